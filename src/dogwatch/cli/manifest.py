"""The workspace as a file: export, apply, diff, validate."""

from pathlib import Path
from typing import Any

import click

from dogwatch.cli.client import Api, Limits, connect
from dogwatch.cli.output import as_json
from dogwatch.cli.session import Session, command
from dogwatch.core.problems import Problem, invalid

# A large file takes the server a while.
_PATIENT = Limits(answer_s=120.0)
_DIFFERS = 2


@command("export", "dogwatch export\ndogwatch export > dogwatch.yaml")
def export_command(session: Session) -> None:
    """Print all that was said of the workspace, without secrets; apply takes it back."""
    text = connect(session, limits=_PATIENT).text("/manifests/export")
    as_json({"text": text}) if session.json else click.echo(text, nl=False)


@command(
    "apply",
    "dogwatch apply dogwatch.yaml\n"
    "dogwatch apply watches.yaml alerts.yaml\n"
    "dogwatch apply dogwatch.yaml --prune --dry-run",
)
@click.argument("files", nargs=-1, metavar="FILE…")
@click.option("-f", "--file", "more", multiple=True, metavar="FILE", help="The same as FILE.")
@click.option("--prune", is_flag=True, help="Delete items that the file named and names no more.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
def apply_command(
    session: Session, files: tuple[str, ...], more: tuple[str, ...], **how: bool
) -> None:
    """Make the workspace be as files say; each is applied as a whole, or not at all."""
    texts = _texts((*files, *more))
    api = connect(session, limits=_PATIENT)
    done = [_applied(api, path, text, **how) for path, text in texts]
    if session.json:
        as_json(done)
        return
    for one in done:
        for word in ("made", "changed", "removed"):
            for name in one[word]:
                click.echo(f"{one['id']}: {word} {name}")
        if not (one["made"] or one["changed"] or one["removed"]):
            click.echo(f"{one['id']}: nothing to change")


@command("diff", "dogwatch diff dogwatch.yaml\ndogwatch diff dogwatch.yaml --prune")
@click.argument("files", nargs=-1, metavar="FILE…")
@click.option("-f", "--file", "more", multiple=True, metavar="FILE", help="The same as FILE.")
@click.option("--prune", is_flag=True, help="As with apply --prune.")
def diff_command(
    session: Session, files: tuple[str, ...], more: tuple[str, ...], **how: bool
) -> int:
    """Show what applying files would change; exit code 2 where they differ."""
    texts = _texts((*files, *more))
    api = connect(session, limits=_PATIENT)
    done = [_applied(api, path, text, dry_run=True, **how) for path, text in texts]
    if session.json:
        as_json(done)
    else:
        _show([line for one in done for line in one["diff"].splitlines()])
    return _DIFFERS if any(one["diff"] for one in done) else 0


def _show(lines: list[str]) -> None:
    colors = {"+": "green", "-": "red", "@": "cyan"}
    for line in lines:
        click.secho(line, fg=colors.get(line[:1]))


@command("validate", "dogwatch validate dogwatch.yaml\ndogwatch validate watches.yaml alerts.yaml")
@click.argument("files", nargs=-1, metavar="FILE…")
@click.option("-f", "--file", "more", multiple=True, metavar="FILE", help="The same as FILE.")
def validate_command(session: Session, files: tuple[str, ...], more: tuple[str, ...]) -> None:
    """Judge files without a server; whether what they name exists, apply finds out."""
    from dogwatch.web.api.manifest.whole import read  # only files want it, and it takes a while

    texts = _texts((*files, *more))
    for path, text in texts:
        try:
            document = read(text)
        except Problem as problem:
            raise Problem(problem.kind, f"{path}: {problem.message}", problem.fields) from None
        if not session.json:
            counts = [f"{len(some)} {name}" for name, some in document.items() if some]
            click.echo(f"{path}: good, {', '.join(counts) or 'with nothing in it'}")
    if session.json:
        as_json({"valid": [path for path, _ in texts]})


def _texts(files: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return the files with what is in them."""
    if not files:
        raise invalid("FILE", "give one at least")
    return [(path, _text_of(path)) for path in files]


def _text_of(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise invalid("FILE", f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise invalid("FILE", f"{path} is no UTF-8") from None


def _applied(api: Api, path: str, text: str, **how: bool) -> Any:
    try:
        return api.send("POST", "/manifests/apply", {"name": path, "text": text, **how})
    except Problem as problem:
        raise Problem(problem.kind, f"{path}: {problem.message}", problem.fields) from None
