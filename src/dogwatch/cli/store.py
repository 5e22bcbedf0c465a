"""Commands that open the store themselves: audit, migrate, backup and restore."""

import gzip
import os
import zlib
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from dogwatch import directory
from dogwatch.boot import store as boot
from dogwatch.cli.flags import configured, server_flags
from dogwatch.cli.output import as_json, table
from dogwatch.cli.session import Session, command
from dogwatch.config import Config
from dogwatch.core.plain import counted
from dogwatch.core.problems import Problem
from dogwatch.store import migrate
from dogwatch.store.tx import Tx
from dogwatch.usecases import audit, audit_log, backup, keyring, resting, system
from dogwatch.usecases.callers import host
from dogwatch.usecases.resting import Rested
from dogwatch.vault import Vault


@command("migrate", "dogwatch migrate\ndogwatch migrate --data /srv/dogwatch")
@server_flags
def migrate_command(session: Session, **flags: Any) -> None:
    """Bring the database's tables up to date; `up` does so by itself."""
    config = configured(session, flags)
    with boot.opened(config, upgrade=True):
        revision = migrate.current(config.database_url)
    as_json({"revision": revision}) if session.json else click.echo(f"at revision {revision}")


@command("audit", "dogwatch audit\ndogwatch audit --json")
@server_flags
def audit_command(session: Session, **flags: Any) -> None:
    """Prove from the database alone that nothing was lost, doubled or left untold."""
    with boot.opened(configured(session, flags)) as store:
        found = store.database.read(lambda tx: audit.audit(tx, store.clock.now())).result()
    rows = [asdict(finding) for finding in found]
    if session.json:
        as_json(rows)
    elif rows:
        table(rows, ("rule", "where", "detail"))
    else:
        click.echo("nothing lost, nothing doubled, everybody told")
    if rows:
        raise click.exceptions.Exit(1)


# --- backup -----------------------------------------------------------------------------------


@command("backup", "dogwatch backup dogwatch-backup.gz\ndogwatch backup /mnt/backup/today.gz")
@click.argument("copy", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@server_flags
def backup_command(session: Session, copy: Path, **flags: Any) -> None:
    """Copy all data into FILE while the server runs.

    The copy holds the secret key, so keep it as safe as the data directory itself.
    """
    config = configured(session, flags)
    with boot.opened(config) as store:
        revision = migrate.current(config.database_url) or ""
        at = store.clock.now()

        def copied(tx: Tx) -> None:
            keyring.refresh(tx, store.vault)
            _write(copy, backup.copy(tx, revision, _own_secret(config, store.vault), at))

        store.database.read(copied).result()
        store.database.write(lambda tx: _noted(tx, at)).result()
    size = copy.stat().st_size
    as_json({"file": str(copy), "bytes": size}) if session.json else click.echo(
        f"{copy}: {size} bytes"
    )


def _noted(tx: Tx, at: datetime) -> None:
    """Have the system page say when the last backup was made."""
    audit_log.note(tx, host(0), system.BACKUP, "", at, instance=True)


def _own_secret(config: Config, vault: Vault) -> str | None:
    """Return the key that lives in the data directory; one from the environment stays there."""
    return None if config.secret_key else vault.secret_key()


def _write(file: Path, lines: Iterator[str]) -> None:
    """Write aside and rename: FILE is never half a copy, and survives a power cut."""
    aside = file.with_name(f".{file.name}.new")
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as raw:
            with gzip.open(raw, "wt", encoding="utf-8", compresslevel=6) as packed:
                packed.writelines(line + "\n" for line in lines)
            raw.flush()
            os.fsync(raw.fileno())
        aside.replace(file)
        directory.sync(file.parent)
    finally:
        aside.unlink(missing_ok=True)


@command("restore", "dogwatch restore dogwatch-backup.gz --data /srv/new\n"
         "dogwatch restore today.gz --database postgresql://dogwatch:secret@db/empty")  # fmt: skip
@click.argument(
    "copy", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@server_flags
def restore_command(session: Session, copy: Path, **flags: Any) -> None:
    """Put a backup into an empty data directory or database.

    What was due or unsent when the copy was made is laid to rest: no old alert, no old run.
    """
    config = configured(session, flags)
    count, rested = _restore(config, copy)
    if session.json:
        as_json({"rows": count, "laid_to_rest": asdict(rested)})
        return
    click.echo(f"{counted(count, 'row')} restored")
    told = [counted(number, name[:-1]) for name, number in asdict(rested).items() if number]
    if told:
        click.echo(f"Laid to rest, as of the copy: {', '.join(told)}")


def _lines(file: Path) -> Iterator[str]:
    try:
        with gzip.open(file, "rt", encoding="utf-8") as packed:
            yield from packed
    except (OSError, EOFError, zlib.error, UnicodeDecodeError):
        raise Problem("invalid", f"{file} is damaged or no Dogwatch backup") from None


def _restore(config: Config, file: Path) -> tuple[int, Rested]:
    for _ in _lines(file):
        pass  # a damaged file shows by its checksum before anything is written
    head = backup.Head.read(next(_lines(file), ""))

    def load(tx: Tx) -> int:
        lines = _lines(file)
        next(lines)
        return resting.load(tx, lines, head.made_at)

    return boot.restored(config, head.revision, head.secret_key, load)
