"""Commands about API keys, on the store itself."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import click

from dogwatch.cli.host import WORKSPACE, Visit, carry_out, see, verb
from dogwatch.cli.output import as_json, table
from dogwatch.cli.session import Group, Session
from dogwatch.core.dialects import DIALECTS
from dogwatch.core.instants import iso
from dogwatch.usecases import keys
from dogwatch.usecases.keys import Key


@click.group("key", cls=Group)
def key_command() -> None:
    """Make, list, rotate and revoke API keys; works with or without a running server."""


@verb(key_command, "new", "dogwatch key new --name ci\n"
      "dogwatch key new --name deploy --scopes '*'\n"
      "dogwatch key new --name board --scopes read:watches,read:jobs --days 90\n"
      "dogwatch key new --name legacy --dialect cronowl\n"
      "dogwatch key new --name ci --dialect cronium --scopes read,execute")  # fmt: skip
@click.option("--name", required=True, help="What the key is for.")
@click.option("--scopes", help="Comma-separated, or *; if not given, * and, of a dialect, all "
              "that its API can do.")  # fmt: skip
@click.option("--dialect", type=click.Choice([keys.NATIVE, *DIALECTS]), default=keys.NATIVE,
              show_default=True, help="Whose API it opens.")  # fmt: skip
@click.option("--days", type=click.IntRange(1), help="How long it is good; for ever if not given.")
@WORKSPACE
def key_new(
    session: Session,
    name: str,
    scopes: str | None,
    dialect: str,
    days: int | None,
    **flags: Any,
) -> None:
    """Make a key and print it, alone, once."""
    wanted = _scopes(scopes, dialect) if scopes is not None else keys.all_of(dialect)

    def made(visit: Visit) -> str:
        until = visit.at + timedelta(days=days) if days else None
        made = keys.make(
            visit.tx, visit.caller, name, wanted, visit.vault, visit.at, until, dialect
        )
        return made.token

    _print(session, carry_out(session, flags, "keys.make", name, made))


def _scopes(text: str, dialect: str) -> Sequence[str]:
    named = [scope.strip() for scope in text.replace(" ", ",").split(",") if scope.strip()]
    return named if dialect == keys.NATIVE else DIALECTS[dialect].scopes_of(named)


def _print(session: Session, token: str) -> None:
    as_json({"key": token}) if session.json else click.echo(token)


@verb(key_command, "ls", "dogwatch key ls\ndogwatch key ls --json")
@WORKSPACE
def key_ls(session: Session, **flags: Any) -> None:
    """List the keys: who may what, never the keys themselves."""
    found = see(session, flags, lambda visit: keys.listed(visit.tx, visit.workspace_id))
    rows = list(map(_row, found))
    if session.json:
        as_json(rows)
    else:
        columns = (
            "id",
            "name",
            "prefix",
            "dialect",
            "scopes",
            "last_used_at",
            "expires_at",
            "revoked_at",
        )
        table(rows, columns)


def _row(key: Key) -> dict[str, Any]:
    """Return a key for people to see, without what proves it."""
    times = ("created_at", "last_used_at", "expires_at", "revoked_at")
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": list(key.scopes),
        "dialect": key.dialect,
        "made_by": key.made_by,
        "replaced_by": key.replaced_by,
        **{name: iso(getattr(key, name)) for name in times},
    }


@verb(key_command, "rotate", "dogwatch key rotate ci\ndogwatch key rotate ci --overlap-hours 0")
@click.argument("name")
@click.option("--overlap-hours", type=click.IntRange(0, 720), default=24, show_default=True,
              help="How long the old secret stays good.")  # fmt: skip
@WORKSPACE
def key_rotate(session: Session, name: str, overlap_hours: int, **flags: Any) -> None:
    """Print a new secret for the key with this name, id or prefix."""
    overlap = timedelta(hours=overlap_hours)

    def rotated(visit: Visit) -> str:
        made = keys.rotate(visit.tx, visit.caller, name, visit.vault, visit.at, overlap)
        return made.token

    _print(session, carry_out(session, flags, "keys.rotate", name, rotated))


@verb(key_command, "revoke", "dogwatch key revoke ci\ndogwatch key revoke dw_live_1a2B3c4D")
@click.argument("name")
@WORKSPACE
def key_revoke(session: Session, name: str, **flags: Any) -> None:
    """Revoke the key with this name, id or prefix; it stops working at once."""

    def revoked(visit: Visit) -> str:
        return keys.revoke(visit.tx, visit.workspace_id, name, visit.at).prefix

    prefix = carry_out(session, flags, "keys.revoke", name, revoked)
    as_json({"revoked": prefix}) if session.json else click.echo(f"{prefix}… is revoked")
