"""What is done on the host directly on the store, with or without a running server."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import click

from dogwatch.boot import store as boot
from dogwatch.cli.flags import configured, server_flags
from dogwatch.cli.session import Session, command
from dogwatch.core.policy import POLICY
from dogwatch.store.tx import Tx
from dogwatch.usecases import audit_log, workspaces
from dogwatch.usecases.callers import Caller, host
from dogwatch.vault import Vault

T = TypeVar("T")

WORKSPACE = click.option(
    "--workspace", metavar="ID", help="Workspace by id or name; the first one if not given."
)


@dataclass(frozen=True, slots=True)
class Visit:
    """One transaction on the host: `caller` may do everything in his workspace."""

    tx: Tx
    caller: Caller
    vault: Vault
    at: datetime

    @property
    def workspace_id(self) -> int:
        """The workspace that is meant."""
        return self.caller.workspace_id


def verb(
    group: click.Group, name: str, examples: str
) -> Callable[[Callable[..., None]], click.Command]:
    """Declare a command of a group that works on the store."""

    def declare(function: Callable[..., None]) -> click.Command:
        made: click.Command = command(name, examples)(server_flags(function))
        group.add_command(made)
        return made

    return declare


def see(session: Session, flags: dict[str, Any], fn: Callable[[Visit], T]) -> T:
    """Read from the store; `flags` may hold a workspace."""
    workspace = flags.pop("workspace", None)
    with boot.opened(configured(session, flags)) as store:
        at = store.clock.now()
        return store.database.read(lambda tx: fn(_visit(tx, workspace, store.vault, at))).result()


def carry_out(
    session: Session,
    flags: dict[str, Any],
    operation: str,
    thing: str,
    fn: Callable[[Visit], T],
) -> T:
    """Change the store, and note in the audit log that the host did `operation` to `thing`."""
    workspace = flags.pop("workspace", None)
    with boot.opened(configured(session, flags)) as store:
        at = store.clock.now()

        def noted(tx: Tx) -> T:
            visit = _visit(tx, workspace, store.vault, at)
            done = fn(visit)
            instance = POLICY[operation].instance
            audit_log.note(tx, visit.caller, operation, thing, at, instance=instance)
            return done

        return store.database.write(noted).result()


def note_export(
    session: Session, flags: dict[str, Any], operation: str, *, instance: bool = False
) -> None:
    """Note that the host is about to hand out everything of a kind."""
    workspace = flags.pop("workspace", None)
    with boot.opened(configured(session, flags)) as store:
        at = store.clock.now()

        def noted(tx: Tx) -> None:
            caller = _visit(tx, workspace, store.vault, at).caller
            audit_log.note(tx, caller, operation, "", at, instance=instance)

        store.database.write(noted).result()


def _visit(tx: Tx, workspace: str | None, vault: Vault, at: datetime) -> Visit:
    return Visit(tx, host(workspaces.found(tx, workspace).id), vault, at)
