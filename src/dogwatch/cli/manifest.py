"""The workspace as a file: export, apply, diff, validate."""

import re
from pathlib import Path
from typing import Any

import click

from dogwatch.cli.client import Api, Limits, connect
from dogwatch.cli.output import as_json
from dogwatch.cli.session import Session, command
from dogwatch.core.plain import counted
from dogwatch.core.problems import Problem, invalid

# A large file takes the server a while.
_PATIENT = Limits(answer_s=120.0)
_DIFFERS = 2
_LINE = re.compile(r"(?P<kind>is no YAML: )?line (?P<line>[0-9]+)(, column [0-9]+)?: ")
_KINDS = ("item", "channel", "rule", "maintenance", "variable", "status_page", "project")
_FILE = click.argument("files", nargs=-1, metavar="FILE…")
_MORE = click.option(
    "-f", "--file", "more", multiple=True, metavar="FILE", help="The same as FILE."
)
_NAME = click.option("--name", help="What the file is called there, instead of its own name.")


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
@_FILE
@_MORE
@click.option("--prune", is_flag=True, help="Delete what the file named and names no more.")
@_NAME
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
def apply_command(
    session: Session, files: tuple[str, ...], more: tuple[str, ...], name: str | None, **how: bool
) -> None:
    """Make the workspace be as files say; each is applied as a whole, or not at all.

    What a file names is kept in it from then on: changed there and applied again, not by page or
    command, until `dogwatch release` lets go of it. What it does not name stays, and a section
    that is empty is as one that is left out; but rules and windows that the same file said before
    go once it says them no more.
    """
    texts = _texts((*files, *more), name)
    api = connect(session, limits=_PATIENT)
    done = [_applied(api, path, text, name, **how) for path, text in texts]
    if session.json:
        as_json(done)
        return
    for one in done:
        for line in _told(one):
            click.echo(f"{one['id']}: {line}")


def _told(one: Any) -> list[str]:
    """Return what became of a file, in lines."""
    lines = [f"{word} {name}" for word in ("made", "changed", "removed") for name in one[word]]
    same = "nothing to change, all is as the file says"
    if one["items"] and not one["dry_run"]:
        same += f"; it keeps {counted(one['items'], 'item')}, to be changed there"
    return (lines or [same]) + _keeping(one)


def _keeping(one: Any) -> list[str]:
    """Return what the file keeps no more, and what it keeps from now on, in lines."""
    gone = [f"let go of {slug} (with --prune it is deleted)" for slug in one.get("released", ())]
    return gone + [f"{name}: kept in {one['id']} from now on" for name in one.get("kept", ())]


@command("diff", "dogwatch diff dogwatch.yaml\ndogwatch diff dogwatch.yaml --prune")
@_FILE
@_MORE
@click.option("--prune", is_flag=True, help="As with apply --prune.")
@_NAME
def diff_command(
    session: Session, files: tuple[str, ...], more: tuple[str, ...], name: str | None, **how: bool
) -> int:
    """Show what applying files would change; exit code 2 where they differ."""
    texts = _texts((*files, *more), name)
    api = connect(session, limits=_PATIENT)
    done = [_applied(api, path, text, name, dry_run=True, **how) for path, text in texts]
    if session.json:
        as_json(done)
    elif not any(one["diff"] or _keeping(one) for one in done):
        click.echo("no difference: all is as the files say", err=True)
    else:
        _show([line for one in done for line in [*one["diff"].splitlines(), *_keeping(one)]])
    return _DIFFERS if any(one["diff"] or _keeping(one) for one in done) else 0


def _show(lines: list[str]) -> None:
    colors = {"+": "green", "-": "red", "@": "cyan"}
    for line in lines:
        click.secho(line, fg=colors.get(line[:1]))


@command("validate", "dogwatch validate dogwatch.yaml\ndogwatch validate watches.yaml alerts.yaml")
@_FILE
@_MORE
def validate_command(session: Session, files: tuple[str, ...], more: tuple[str, ...]) -> None:
    """Judge files without a server.

    What only the server knows, diff tells: whether what they name exists, whether there is room
    for it, and whether scripts may run there.
    """
    from dogwatch.web.api.manifest.whole import read  # only files want it, and it takes a while

    texts = _texts((*files, *more))
    for path, text in texts:
        try:
            document = read(text)
        except Problem as problem:
            raise by_line(path, problem) from None
        if not session.json:
            counts = [counted(len(some), _noun(name)) for name, some in document.items() if some]
            click.echo(f"{path}: good, {', '.join(counts) or 'with nothing in it'}")
    if session.json:
        as_json({"valid": [path for path, _ in texts]})


def _noun(section: str) -> str:
    """Return what one thing of a section is called."""
    return _NOUNS.get(section) or section.removesuffix("s").replace("_", " ")


_NOUNS = {"watches": "watch", "maintenance": "maintenance window"}


@command(
    "release",
    "dogwatch release nightly-backup\n"
    "dogwatch release --kind variable TOKEN\n"
    "dogwatch release --file dogwatch.yaml",
)
@click.argument("items", nargs=-1, metavar="ITEM…")
@click.option("--kind", type=click.Choice(_KINDS), default="item", help="What they are.")
@click.option("-f", "--file", "file", metavar="NAME", help="Forget a file with all kept in it.")
def release_command(session: Session, items: tuple[str, ...], kind: str, file: str | None) -> None:
    """Let go of what is kept in a file: it stays, and is changed by page or command again."""
    if bool(items) is bool(file):
        raise invalid("ITEM", "give one at least, or --file NAME")
    api = connect(session)
    if file:
        api.send("POST", "/manifests/forget", {"name": file})
    asked = [{"item": item} | ({} if kind == "item" else {"kind": kind}) for item in items]
    done = [api.send("POST", "/manifests/release", one) for one in asked]
    names = [file] if file else [one["slug"] for one in done]
    if session.json:
        as_json({"released": names})
        return
    for name in names:
        click.echo(f"let go of {name}")


def _texts(files: tuple[str, ...], name: str | None = None) -> list[tuple[str, str]]:
    """Return the files with what is in them; only one can be given a `name`."""
    if not files:
        raise invalid("FILE", "give one at least")
    if name is not None and len(files) > 1:
        raise invalid("--name", "give it with one file alone")
    return [(path, _text_of(path)) for path in files]


def _text_of(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise invalid("FILE", f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise invalid("FILE", f"{path} is no UTF-8") from None


def _applied(api: Api, path: str, text: str, name: str | None, **how: bool) -> Any:
    """Apply a file, known there by its own name, wherever it lies here, or by the one given."""
    asked = {"name": Path(path).name if name is None else name, "text": text, **how}
    try:
        return api.send("POST", "/manifests/apply", asked)
    except Problem as problem:
        raise by_line(path, problem) from None


def by_line(path: str, problem: Problem) -> Problem:
    """Return a problem that tells one fault a line, as `FILE:LINE: place: what is wrong`."""
    faults = [_fault(path, place, told) for place, told in problem.fields.items()]
    head = f"{path}: {counted(len(faults), 'fault') if faults else problem.message}"
    return Problem(problem.kind, "\n".join([head, *faults]), problem.fields)


def _fault(path: str, place: str, told: str) -> str:
    found = _LINE.match(told)
    if found is None:
        return f"{path}: {place}: {told}"
    return f"{path}:{found['line']}: {place}: {found['kind'] or ''}{told[found.end() :]}"
