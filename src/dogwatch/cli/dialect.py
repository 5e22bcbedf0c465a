"""Commands about the dialects: what the server speaks, and a proof that it does."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

import click

from dogwatch.cli.client import Answer, Limits, ask, connect, server_of
from dogwatch.cli.exits import FAILED
from dogwatch.cli.output import as_json, table
from dogwatch.cli.session import Group, Session, command
from dogwatch.core.conformance import STEPS, Step, faults, kept, path_of
from dogwatch.core.dialects import DIALECTS

KEY_NAME = "dogwatch dialect check"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one step."""

    step: str
    request: str
    good: bool
    told: str


@click.group("dialect", cls=Group)
def dialect_command() -> None:
    """Show which APIs of other products are spoken, and prove it."""


@command("ls", "dogwatch dialect ls")
def dialect_ls(session: Session) -> None:
    """List the dialects with their base URLs."""
    from dogwatch.web.dialects import TONGUES  # slow to import

    server = server_of(session)
    rows = [
        {
            "name": one.name,
            "product": DIALECTS[one.name].title,
            "base_url": f"{server}/{DIALECTS[one.name].mount}{one.base}",
            "check": one.name in STEPS,
        }
        for one in TONGUES
    ]
    as_json(rows) if session.json else table(rows, ("name", "product", "base_url"))


@command("names", "dogwatch dialect names nightly-backup")
@click.argument("slug")
def dialect_names(session: Session, slug: str) -> None:
    """List what the APIs of other products call a watch, and where their clients ping it."""
    found = connect(session).get(f"/watches/{slug}/dialects")["data"]
    if session.json:
        as_json(found)
    elif found:
        table(found, ("product", "id", "ping_url"))
    else:
        click.echo("None yet: each product's API gives it a name when it is asked for it first.")


@command("check", "dogwatch dialect check cronpulse\n"
         "dogwatch dialect check cronbeats --key cb_…")  # fmt: skip
@click.argument("name", type=click.Choice(list(STEPS)))
@click.option("--key", help="A key of the dialect; if not given, one is made and revoked.")
@click.option("--url", help="Where the dialect is; by default, below the server.")
def dialect_check(session: Session, name: str, key: str | None, url: str | None) -> None:
    """Make, ping and remove throw-away things, and compare each answer with the document."""
    base = (url or f"{server_of(session)}/{DIALECTS[name].mount}").rstrip("/")
    with _keyed(session, name, key) as used:
        results = list(_results(name, base, used))
    bad = [one for one in results if not one.good]
    if session.json:
        as_json([asdict(one) for one in results])
    else:
        rows = [{"": "✓" if one.good else "✕", **asdict(one)} for one in results]
        table(rows, ("", "step", "request", "told"))
        click.echo(f"{len(results) - len(bad)} of {len(results)} as documented")
    if bad:
        raise SystemExit(FAILED)


@contextmanager
def _keyed(session: Session, name: str, key: str | None) -> Iterator[str]:
    """Yield the key to ask with; one that is made here is revoked in the end."""
    if key:
        yield key
        return
    api = connect(session)
    made = api.send("POST", "/keys", {"name": KEY_NAME, "scopes": ["*"], "dialect": name})
    try:
        yield made["key"]
    finally:
        api.send("DELETE", f"/keys/{made['id']}")


def _results(name: str, base: str, key: str) -> Iterator[Result]:
    """Go through the steps; behind the first that failed, only clear up."""
    known: dict[str, Any] = {}
    failed = False
    for step in STEPS[name]:
        path = path_of(step, known)
        if path is None or (failed and not step.clears):
            continue
        answer = _asked(step, base, path, key if step.keyed else "", known)
        told = list(faults(step, answer.status, answer.body))
        if not told:
            known |= kept(step, answer.body)
        failed = failed or bool(told)
        yield Result(step.told, f"{step.method} {path}", not told, "; ".join(told))


def _asked(step: Step, base: str, path: str, key: str, known: Mapping[str, Any]) -> Answer:
    """Ask for a path below the base; an address that the server told is asked for there, too."""
    place = path if path.startswith("/") else _below(path, base)
    headers = {"Content-Type": "application/json"} | (_proof(key) if key else {})
    body = None if step.body is None else json.dumps(_filled(step.body, known)).encode()
    return ask(step.method, base + place, headers, body, Limits())


def _proof(key: str) -> dict[str, str]:
    """Return the headers that a key is sent in: each dialect reads its own, with the same in it."""
    return {"X-API-Key": key, "Authorization": f"Bearer {key}"}


def _below(address: str, base: str) -> str:
    """Return the path of an address without that of the base."""
    return urlsplit(address).path.removeprefix(urlsplit(base).path)


def _filled(body: Any, known: Mapping[str, Any]) -> Any:
    if not isinstance(body, dict):
        return body
    return {
        name: value.format_map(known) if isinstance(value, str) else value
        for name, value in body.items()
    }


dialect_command.add_command(dialect_ls)
dialect_command.add_command(dialect_check)
dialect_command.add_command(dialect_names)
