"""Assembling one process: engine, web and signals around an opened store."""

import asyncio
import contextlib
import fcntl
import gc
import logging
import os
import resource
import shutil
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TextIO

import structlog
import uvloop

from dogwatch import directory
from dogwatch.boot import anteroom, first_run, oidc, outside, remote
from dogwatch.boot.isolation import isolation, leave, makers, runs_as_root
from dogwatch.boot.isolation import prepare as prepare_isolation
from dogwatch.boot.lanes import interpreters, lanes
from dogwatch.boot.limits import limits
from dogwatch.boot.store import (
    Store,
    agree,
    alone,
    clock_of,
    copied,
    make_key,
    opened,
    write_private,
)
from dogwatch.clock import Clock
from dogwatch.config import Config
from dogwatch.core.masking import mask_address
from dogwatch.core.problems import Problem
from dogwatch.egress import Egress
from dogwatch.engine.alerter import Alerter
from dogwatch.engine.conductor import Conductor
from dogwatch.engine.courier import Courier
from dogwatch.engine.engine import Engine
from dogwatch.engine.folder import Folder
from dogwatch.engine.heart import Heart
from dogwatch.engine.intake import Intake
from dogwatch.engine.janitor import Janitor
from dogwatch.engine.locksmith import Locksmith
from dogwatch.engine.lookout import Lookout
from dogwatch.engine.loop import Loop
from dogwatch.engine.postman import Postman
from dogwatch.engine.prober import Prober
from dogwatch.engine.scheduler import Scheduler
from dogwatch.engine.sweeper import Sweeper
from dogwatch.engine.worker import Worker
from dogwatch.ids import new_id
from dogwatch.oidc import Provider
from dogwatch.outbox import Outbox
from dogwatch.runners import host, scratch
from dogwatch.runners.launcher import Launcher
from dogwatch.runners.probe import run_probe
from dogwatch.spool import Spool
from dogwatch.store import migrate
from dogwatch.store.retention import Keep
from dogwatch.store.tx import Tx
from dogwatch.usecases import keys, nodes
from dogwatch.usecases.desk import Desks
from dogwatch.usecases.limiting import Limits
from dogwatch.usecases.probes import HERE
from dogwatch.web.app import build
from dogwatch.web.edge import server
from dogwatch.web.pings import App
from dogwatch.web.services import Services

DRAIN_S = 10.0
GARBAGE_MIN = 20_000
"""New objects at which circles among them are looked for: a batch of pings makes thousands."""

_log = structlog.get_logger("dogwatch")


def log_to_stderr(config: Config) -> None:
    """Send log lines to standard error, as text or JSON; those of libraries, too."""
    level = getattr(logging, config.log_level.upper())
    form: structlog.types.Processor = structlog.dev.ConsoleRenderer(colors=False)
    if config.log_format == "json":
        form = structlog.processors.JSONRenderer()
    marks: list[structlog.types.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    ends: list[structlog.types.Processor] = [structlog.processors.format_exc_info, form]
    stream = os.fdopen(os.dup(2), "w", buffering=1)
    structlog.configure(
        processors=[*marks, *ends],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(stream),
    )
    handler = logging.StreamHandler(stream)
    without_marks = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *marks],
            processors=[without_marks, *ends],
        )
    )
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler])


# --- one process ------------------------------------------------------------------------------


def serve(
    config: Config,
    *,
    web: bool = True,
    ready: Callable[[], None] = lambda: None,
    examples: bool = False,
) -> None:
    """Run until SIGTERM or SIGINT; `web=False` runs the engine alone. Calls `ready` once up.

    `examples`: the first workspace has those of the demo.
    """
    log_to_stderr(config)
    if elsewhere(config) and (web or alone(config)):
        raise Problem(
            "refused",
            "--location is for `dogwatch worker` on the server's own PostgreSQL; leave it out",
        )
    oidc.client(config)  # what is wrong there is told before anything begins
    if config.scripts_on:
        host.prepare()
    with _owned(config), contextlib.ExitStack() as stack:
        clock = clock_of(config)
        bound, spool = None, _spool(config, clock)

        def enter() -> Store:
            return stack.enter_context(opened(config, clock, upgrade=True))

        try:
            store: Store | None = enter()
        except Problem as problem:
            if problem.kind != "away" or alone(config):
                raise
            bound = stack.enter_context(anteroom.listening(config)) if web else None
            store = uvloop.run(anteroom.wait(config, clock, enter, spool, bound))
        if store and examples:
            first_run.add_examples(store)
        if store:
            uvloop.run(_run(config, store, spool, bound, web=web, ready=ready))
        elif spool:
            spool.close()


@contextlib.contextmanager
def _owned(config: Config) -> Iterator[None]:
    """Hold the data directory: SQLite's for one server, else beside others; the first tidies
    up, the last leaves nothing elsewhere.

    A SQLite file is held too, by its real path: it may lie elsewhere.
    """
    directory.make(config.data)
    if directory.open_to_others(config.data):
        _log.warning("others can write to the data directory", do=f"chmod go-w {config.data}")
    with contextlib.ExitStack() as held:
        lock = held.enter_context(_lock_file(config.data / "server.lock"))
        first = _locked(lock)
        if alone(config):
            file = migrate.file_of(config.database_url)
            beside = held.enter_context(_lock_file(file.with_name(f"{file.name}.lock")))
            _refuse_unless(first, config.data, "--data")
            _refuse_unless(_locked(beside), file, "--database")
        if first:
            _clear(config.data / "work")
            _clear(isolation(config).workdir(config.data))
        if not alone(config):
            fcntl.flock(lock, fcntl.LOCK_SH)
        yield
        if _locked(lock):  # the last one
            leave(config)


def _lock_file(path: Path) -> TextIO:
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w")
    except OSError as error:
        raise Problem("refused", f"cannot open {path}: {error.strerror}") from None


def _locked(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _refuse_unless(ours: bool, what: Path, flag: str) -> None:
    if not ours:
        told = f"another Dogwatch is using {what}; stop it, or choose another {flag}"
        raise Problem("refused", told)


def _clear(work: Path) -> None:
    """Remove what runs of a killed server left behind."""
    if work.is_dir():
        for left in work.iterdir():
            scratch.remove(left)


async def _run(
    config: Config,
    store: Store,
    spool: Spool | None,
    bound: socket.socket | None,
    *,
    web: bool,
    ready: Callable[[], None],
) -> None:
    """Work until told to stop; `bound` is listened on already where it is given."""
    stopping = asyncio.Event()
    _raise_file_limit()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    egress = Egress(config.allow_private_targets, config.user_agent)
    intake = Intake(store.database, store.clock, spool)
    # What came while we waited is older than what comes now: that queues up behind it.
    intake.away = bool(bound and spool and spool.since_at)
    desks = Desks(store.database, store.vault, store.clock)
    engine = assemble(config, store, egress, intake, desks)
    # Bound before anything runs: who cannot listen does no work, and callers wait from here on.
    async with contextlib.AsyncExitStack() as stack:
        bound = stack.enter_context(bound or anteroom.listening(config)) if web else None
        if config.scripts_on:
            await stack.enter_async_context(remote.listening(desks, store.clock))
        await engine.start(socket.gethostname(), alone=alone(config))
        try:
            web_up = _listening(config, store, intake, egress, stopping, bound) if bound else None
            async with web_up or contextlib.nullcontext(), outside.told(config, store):
                gc.freeze()  # what stays for ever need not be searched for garbage, in long pauses
                gc.set_threshold(GARBAGE_MIN)
                ready()
                await stopping.wait()
        finally:
            await engine.stop(DRAIN_S)
            await egress.close()
            if spool:
                spool.close()


def _spool(config: Config, clock: Clock) -> Spool | None:
    """Return where pings wait while PostgreSQL is away; SQLite is never away alone."""
    if alone(config):
        return None
    limit_bytes = config.spool_limit_mb * 1_000_000
    return Spool(config.data / "spool", new_id(clock.now()), limit_bytes)


def _raise_file_limit() -> None:
    """Allow as many connections as the edge does; the usual soft limit is far below."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@contextlib.asynccontextmanager
async def _listening(
    config: Config, store: Store, intake: Intake, egress: Egress, stopping: asyncio.Event,
    bound: socket.socket,
) -> AsyncIterator[None]:  # fmt: skip
    """Serve HTTP inside the block; leave as soon as requests under way are answered."""
    _introduce(config, store)
    async with limits(config, store) as limited, oidc.opened(config, store.clock) as provider:
        app = _app(config, store, intake, egress, limited, stopping, provider)
        http = server(app, config.listen.host, config.listen.port, clock=store.clock)
        async with http.serving(bound) as task:
            task.add_done_callback(lambda _: stopping.set())
            yield


def _introduce(config: Config, store: Store) -> None:
    """Leave the address and a key where the command line on this machine finds them.

    A full disk must not keep the server from watching.
    """
    try:
        write_private(config.data / "server.url", config.listen.url)
        key_file = config.data / "cli.key"
        if not _valid(store, key_file):
            write_private(key_file, make_key(store, "command line on this machine", ["*"]))
        first_run.offer(config, store)
    except (OSError, Problem) as error:
        _log.warning("the command line here must be told the address and a key", why=str(error))


def _valid(store: Store, key_file: Path) -> bool:
    try:
        token = key_file.read_text().strip()
        at = store.clock.now()
        store.database.read(lambda tx: keys.authenticate(tx, token, store.vault, at)).result()
    except (OSError, Problem):
        return False
    return True


# --- its parts --------------------------------------------------------------------------------


def assemble(
    config: Config, store: Store, egress: Egress, intake: Intake, desks: Desks | None = None
) -> Engine:
    """Return the engine of one node, not yet started."""
    database, clock, vault = store.database, store.clock, store.vault
    node_id = new_id(clock.now())
    prepare_isolation(config)
    desks = desks or Desks(database, vault, clock)
    made = makers(config, egress.connect)
    launcher = made.launcher if made else Launcher(None)
    prober = _prober(config, store, egress, node_id)
    workers = (
        []
        if elsewhere(config)
        else [
            Worker(lane, concurrency, runner, database, clock, vault, node_id)
            for lane, concurrency, runner in lanes(config, clock, egress, desks, made, launcher)
        ]
    )

    def beat(tx: Tx, at: datetime) -> bool:
        return nodes.beat(tx, node_id, at, intake.unfolded_at())

    def drop_work() -> None:
        for worker in workers:
            worker.drop()
        prober.drop()

    intake.on_jump = beat
    heart = Heart(
        database, clock, node_id, None if alone(config) else drop_work,
        unfolded_at=intake.unfolded_at, agree=partial(agree, clock),
    )  # fmt: skip
    if elsewhere(config):
        return Engine(database, clock, node_id, [], None, [heart, prober])
    courier = Courier(
        database, clock, vault, egress, node_id, config.delivery_concurrency,
        config.base_url, {
            "smtp_url": config.smtp_url or "",
            "apprise_on": config.apprise == "on",
        },
    )  # fmt: skip
    others: list[Loop] = [
        Scheduler(database, clock),
        Conductor(database, clock),
        Sweeper(database, clock, node_id, intake.unfolded_at),
        Alerter(database, clock),
        heart,
        prober,
        Lookout(database, clock),
        Janitor(database, clock, _kept(config), config.output_retention_days),
        Locksmith(database, clock, vault),
        _postman(config, store),
    ]  # fmt: skip
    if intake.spool:
        others.append(Folder(database, clock, intake, intake.spool, node_id))
    return Engine(
        database, clock, node_id, workers, courier, others, made.close if made else launcher.close
    )


def elsewhere(config: Config) -> bool:
    """Say whether this node stands at another location than the server, and only probes."""
    return config.location != HERE


def _prober(config: Config, store: Store, egress: Egress, node_id: str) -> Prober:
    return Prober(
        config.location, config.probe_concurrency, partial(run_probe, egress),
        store.database, store.clock, store.vault, node_id,
    )  # fmt: skip


def _postman(config: Config, store: Store) -> Postman:
    """Return who takes the pings kept in our data directory, under our addresses old and new."""
    told = config.data / "server.url"
    before = [told.read_text().strip()] if told.is_file() else []
    return Postman(
        store.database, store.clock, Outbox((config.data / "spool",)),
        [config.listen.url, config.base_url, *before], config.ping_body_limit_bytes,
    )  # fmt: skip


def _kept(config: Config) -> Mapping[str, Keep]:
    return {
        "pings": Keep(config.ping_retention_days, config.ping_retention_count),
        "runs": Keep(config.run_retention_days, config.run_retention_count),
        "flips": Keep(config.flip_retention_days, config.run_retention_count),
        "incidents": Keep(config.flip_retention_days, config.run_retention_count),
        "deliveries": Keep(config.run_retention_days, config.run_retention_count),
    }


def _app(
    config: Config, store: Store, intake: Intake, egress: Egress, limited: Limits,
    stopping: asyncio.Event, provider: Provider | None,
) -> App:  # fmt: skip
    here, url = isolation(config), config.outside_heartbeat_url
    return build(
        Services(
            door=store.database,
            clock=store.clock,
            vault=store.vault,
            base_url=config.base_url,
            scripts_on=config.scripts_on,
            isolation=here.level,
            isolation_why=here.why,
            scripts_as_root=runs_as_root(config),
            mail_on=config.smtp_url is not None,
            hosted=config.hosted,
            apprise_on=config.apprise == "on",
            trusted_proxies=config.trusted_proxies,
            ping_body_limit_bytes=config.ping_body_limit_bytes,
            dialect=store.database.dialect,
            record_pings=intake.record,
            limits=limited,
            probe_spool=intake.spool.probe if intake.spool else None,
            stopping=stopping,
            on_set_up=partial(first_run.forget, config),
            trusted_user_header=config.trusted_user_header,
            admit_script=interpreters(config).find,
            oidc=provider,
            oidc_new_people=config.oidc_new_people,
            dialect_hosts=config.dialect_hosts,
            allow_private_targets=config.allow_private_targets,
            blocked=egress.blocked,
            copy=partial(copied, config, store),
            disk=partial(shutil.disk_usage, config.data),
            outside_heartbeat=url and mask_address(url),
        )
    )
