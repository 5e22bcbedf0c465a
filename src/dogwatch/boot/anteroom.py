"""The anteroom: a node whose PostgreSQL is away takes pings into its spool until that is there."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable

import structlog

from dogwatch.boot.store import Store
from dogwatch.clock import Clock
from dogwatch.config import Config
from dogwatch.core.problems import Problem
from dogwatch.engine.intake import Intake
from dogwatch.spool import Spool
from dogwatch.store.database import Database
from dogwatch.web import anteroom
from dogwatch.web.edge import server

AWAY_S = 3.0

_log = structlog.get_logger("dogwatch")


async def wait(
    config: Config,
    clock: Clock,
    enter: Callable[[], Store],
    spool: Spool | None,
    bound: socket.socket | None,
) -> Store | None:
    """Return the store as soon as `enter` can open it, None if asked to stop before.

    `enter` does all that a start does, a migration under its lock included, before anything else
    touches the database. Meanwhile the node only spools, if it has a spool and listens.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    serving = spool and bound and _spooling(config, clock, spool, bound)
    async with serving or contextlib.nullcontext():
        while not stopping.is_set():
            try:
                store = await asyncio.to_thread(enter)
                return None if stopping.is_set() else store
            except Problem as problem:
                if problem.kind != "away":
                    raise
                _log.warning("waiting for the database", why=problem.message)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), AWAY_S)
    return None


@contextlib.asynccontextmanager
async def _spooling(
    config: Config, clock: Clock, spool: Spool, bound: socket.socket
) -> AsyncIterator[None]:
    """Answer inside the block; who connects between it and what follows waits in `bound`."""
    database = Database.open(config.database_url)  # it connects when first used, and is not
    try:
        intake = Intake(database, clock, spool)
        intake.away = True
        app = anteroom.build(
            intake.record,
            spool.probe,
            clock,
            config.trusted_proxies,
            config.ping_body_limit_bytes,
            config.dialect_hosts,
        )
        http = server(app, config.listen.host, config.listen.port, clock=clock)
        async with http.serving(bound.dup()):
            yield
    finally:
        database.close()


def listening(config: Config) -> socket.socket:
    """Return the listening socket; connections wait in it until the server takes them."""
    family = socket.AF_INET6 if ":" in config.listen.host else socket.AF_INET
    try:
        return socket.create_server(
            (config.listen.host, config.listen.port), family=family, backlog=2048
        )
    except OSError as error:
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        told = f"cannot listen on {config.listen}: {why}; choose another --listen"
        raise Problem("refused", told) from None
