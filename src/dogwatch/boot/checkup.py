"""What `dogwatch doctor` asks of the database, mail and the sandbox; it changes nothing."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from dogwatch.boot import secret
from dogwatch.boot.isolation import isolation, runs_as_root
from dogwatch.boot.store import alone
from dogwatch.clock import SystemClock
from dogwatch.config import Config
from dogwatch.core.masking import mask_address
from dogwatch.core.problems import Problem
from dogwatch.egress import Egress, EgressError
from dogwatch.notify.smtp import mail_server
from dogwatch.runners import cgroup
from dogwatch.store import migrate, walls
from dogwatch.store.database import Database, parse_url
from dogwatch.store.sqlite import file_of
from dogwatch.store.tx import Tx
from dogwatch.usecases import keyring, system
from dogwatch.usecases import outside as heartbeat
from dogwatch.vault import fingerprint, key_from_text

MAIL_S = 5.0
_READ_ONLY = "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool"


def database(config: Config) -> str:
    """Return the database's state in words; a Problem if it is damaged, foreign or away."""
    if _is_missing(config):
        return "not there yet; dogwatch up makes it"
    revision = migrate.current(config.database_url)
    if revision != migrate.HEAD:
        return f"at revision {revision}; this program's is {migrate.HEAD}"
    with _opened(config) as store:
        try:
            faults = store.read(_faults).result()
        except DBAPIError as error:
            faults = str(error.orig)
    if faults:
        raise Problem("away", f"the database is damaged: {faults}; restore a backup")
    return f"whole, at revision {revision}"


def _is_missing(config: Config) -> bool:
    return alone(config) and not file_of(parse_url(config.database_url)).exists()


@contextmanager
def _opened(config: Config) -> Iterator[Database]:
    store = Database.open(config.database_url, readers=1, writers=1)
    try:
        yield store
    finally:
        store.close()


def _faults(tx: Tx) -> str:
    """Return the first fault that SQLite finds in its file; a Problem where no writes are taken."""
    if tx.dialect != "sqlite":
        if tx.conn.exec_driver_sql(_READ_ONLY).scalar_one():
            raise Problem("away", "the database takes no writes")
        return ""
    said = tx.conn.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    return "" if said == "ok" else str(said)


def locations(config: Config) -> str:
    """Say that each location of probes has somebody who asks; a Problem naming those without."""
    if _is_missing(config):
        return "nothing is asked anywhere: there is no database yet"
    if migrate.current(config.database_url) != migrate.HEAD:
        return "not looked at: the database is at another revision than this program"
    with _opened(config) as store:
        at = SystemClock().now()
        found = store.read(lambda tx: system.unasked(tx, at)).result()
    if found:
        raise Problem("away", "; ".join(one.words for one in found))
    return "every probe is asked where it should be"


def key(config: Config) -> str:
    """Say that the secret key here is the database's; a Problem where it is another, or none."""
    if _is_missing(config) or migrate.current(config.database_url) != migrate.HEAD:
        return "not looked at: no database of this program is there yet"
    with _opened(config) as store:
        known = store.read(keyring.bound_to).result()
    here = [key_from_text(config.secret_key)] if config.secret_key else secret.kept(config.data)
    if known and known not in map(fingerprint, here):
        raise Problem("refused", f"the database belongs to another secret key, {known}")
    return "the secret key here is the database's"


def outside(config: Config) -> str:
    """Say how the outside heartbeat was answered, of the server that ran last; a Problem where it
    was not. Where none has told anybody, say whom one would tell that is started from here."""
    known, url = _heartbeat(config), config.outside_heartbeat_url
    here = url and mask_address(url)
    told = known.address or here
    if not told:
        return "not set (DOGWATCH_OUTSIDE_HEARTBEAT_URL): nobody elsewhere would notice our absence"
    other = ""
    if here and here != told:
        other = f"; a server started from here would tell {here}, the one that ran last told {told}"
    if wrong := known.wrong(SystemClock().now()):
        raise Problem("away", f"{told}: {wrong}{other}")
    if known.answered_at is None:
        return f"{told}: {'not answered' if known.asked_at else 'never asked'} yet{other}"
    return f"{told} answered at {known.answered_at:%Y-%m-%d %H:%M:%S} UTC{other}"


def _heartbeat(config: Config) -> heartbeat.Heartbeat:
    if _is_missing(config) or migrate.current(config.database_url) != migrate.HEAD:
        return heartbeat.Heartbeat()
    with _opened(config) as store:
        return store.read(heartbeat.known).result()


def user(config: Config) -> str:
    """Say as whom a server runs that is started from here; a Problem where scripts have root."""
    if runs_as_root(config):
        raise Problem("refused", "scripts would run as root")
    if os.geteuid() == 0:
        return "a server started from here runs as root; its scripts do not"
    return f"a server started from here runs as user {os.geteuid()}"


def scripts(config: Config) -> str:
    """Return the isolation of scripts in words; a Problem where what is demanded is not there."""
    here = isolation(config)
    if config.scripts_on and here.level == "off":
        raise Problem("refused", here.why)
    if here.sandbox is None:
        return f"isolation {here}"
    why = cgroup.lacking(cgroup.own())
    limits = f"each process for itself ({why})" if why else "each run as a whole, by control groups"
    return f"isolation {here}, limits for {limits}"


def wall(config: Config) -> str:
    """Say that PostgreSQL keeps the workspaces apart; a Problem if it lets our role see all."""
    if alone(config):
        return "none on SQLite: the program alone keeps workspaces apart"
    with _opened(config) as store:
        store.read(walls.heed).result()
        gap = store.read(walls.gap).result()
    if gap:
        raise Problem("refused", f"{gap}, whom PostgreSQL shows every workspace in any query")
    return "PostgreSQL keeps the workspaces apart, too"


def mail(config: Config) -> str:
    """Return the mail server's state in words; a Problem if it cannot be reached."""
    if config.smtp_url is None:
        return "no mail server is set (DOGWATCH_SMTP_URL), so e-mail channels cannot be made"
    server = mail_server(config.smtp_url)
    try:
        asyncio.run(_reach(server.host, server.port))
    except EgressError as error:
        raise Problem("away", f"{server.host}:{server.port}: {error}") from None
    return f"{server.host}:{server.port} answers"


async def _reach(host: str, port: int) -> None:
    egress = Egress()
    try:
        (await egress.connect(host, port, MAIL_S, trusted=True)).close()
    finally:
        await egress.close()
