"""The world of one simulation: a process that lives and dies, its clients and its receivers."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest import mock

import structlog

from dogwatch import ids
from dogwatch.core.alerts import Rule, Scope
from dogwatch.core.ping import Heard, Kind, heard_at
from dogwatch.core.problems import Problem
from dogwatch.engine import engine, janitor, receipts, worker
from dogwatch.engine.loop import Loop
from dogwatch.notify.webhook import WebhookChannel
from dogwatch.store.database import Tx, parse_url
from dogwatch.usecases import channels, rules, workspaces
from dogwatch.vault import Vault
from tests.simulation import fleet
from tests.simulation.clients import Client
from tests.simulation.door import Door
from tests.simulation.fleet import Member
from tests.simulation.journal import Era, Journal, Span
from tests.simulation.life import LIFE, Life
from tests.simulation.naps import Agenda, NappingTurning
from tests.simulation.network import LostError, Network, Receivers
from tests.simulation.virtual import VirtualClock, VirtualLoop

HOSTS = ("all.example", "even.example", "odd.example")
SECRET = "whsec_" + "A" * 43 + "="
CRASH_AT_COMMIT = 1 / 1500


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is simulated; everything else follows from the seed."""

    seed: int
    start_at: datetime
    days: float = 1.0
    watches: int = 40
    trouble: float = 1.0
    schedules: fleet.Schedules = fleet.BUSY


class World:
    """Everything that is not our code, on one clock and one seed."""

    def __init__(self, scenario: Scenario, path: Path) -> None:
        self.scenario = scenario
        self.seed = scenario.seed
        self.path = path
        self.clock = VirtualClock(scenario.start_at)
        self.loop = VirtualLoop(self.clock)
        self.loop.set_task_factory(_adopted)
        self.loop.set_exception_handler(self._went_wrong)
        self.journal = Journal()
        self.vault = Vault(bytes(32))
        self.network = Network(self.random("network"))
        self.receivers = Receivers(self.clock, self.random("receivers"), note=self.note)
        self.receivers.mood = dict.fromkeys(HOSTS, "well")
        self.channels = {"webhook": WebhookChannel(clock=self.clock)}
        self.agenda = Agenda(path, self.clock)
        self.members: dict[str, Member] = {}
        self.clients: dict[str, Client] = {}
        self.wrong: list[str] = []
        self.quiet = False
        self.life: Life | None = None
        self._lives = 0
        self._death = self.random("death")
        self._set = asyncio.Event()

    def random(self, purpose: str) -> Random:
        """Return a stream of chance of its own, from the one seed."""
        return Random(f"{self.seed}/{purpose}")

    def note(self, *words: object) -> None:
        """Add a line to the event log."""
        self.journal.note(round(self.clock.monotonic(), 6), *words)

    # --- lives ------------------------------------------------------------------------------

    def boot(self) -> asyncio.Task[None]:
        """Start the process on what the store holds."""
        self._lives += 1
        door = Door(
            parse_url(f"sqlite:///{self.path}"), self.clock, self.random(f"door/{self._lives}")
        )
        self.life = Life(self, self._lives, door)
        door.on_step = self._maybe_crash
        door.on_commit = self.life.stir
        self.note("boots", self._lives)
        return self.life.spawn(self.life.start())

    def crash(self, outage_s: float) -> None:
        """Kill the process, and start another after the outage."""
        if self.life is None:
            return
        self.life.door.catch_up()
        self._gone(self.life, outage_s)

    async def shut_down(self, outage_s: float) -> None:
        """Stop the process as an operator does."""
        life = self.life
        if life is None or not life.ready:
            return
        life.ready = False
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait([life.spawn(life.engine.stop(5.0))])
        if self.life is life:
            self._gone(life, outage_s)

    def _gone(self, life: Life, outage_s: float) -> None:
        self.life = None
        life.end()
        self.journal.crashes += 1
        self.note("dies", life.number, outage_s)
        at = self.clock.now()
        self.journal.outages.append(Span(at - timedelta(seconds=4), at, Span(at, at)))
        self.loop.call_later(outage_s, self._reboot, len(self.journal.outages) - 1)

    def _reboot(self, outage: int) -> None:
        self.boot().add_done_callback(lambda _: self.up_again(outage))

    def up_again(self, outage: int) -> None:
        """Note that an outage of ours is over."""
        span = self.journal.outages[outage]
        span.end_at = max(span.end_at, self.clock.now())
        if span.inner:
            span.inner.end_at = span.end_at

    def _maybe_crash(self) -> None:
        if not self.quiet and self._death.random() < CRASH_AT_COMMIT * self.scenario.trouble:
            self.crash(self._death.choice((1.0, 5.0, self._death.uniform(1, 600))))

    # --- time -------------------------------------------------------------------------------

    async def until(self, at: datetime) -> bool:
        """Sleep until the wall clock shows `at`; False if something was changed meanwhile."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._set.wait(), max(self.clock.seconds_until(at), 0))
            return False
        return True

    def changed(self) -> None:
        """Have all who wait for a time think again."""
        self._set.set()
        self._set = asyncio.Event()

    def step_clock(self, seconds: float) -> None:
        """Set the wall clock of the whole world."""
        before = self.clock.now()
        if self.life:
            self.life.unsettle()
        self.clock.offset_s += seconds
        after = self.clock.now()
        span = Span(min(before, after), max(before, after), twice=seconds < 0)
        span.inner = replace(span) if seconds > 12 else None
        self.journal.outages.append(span)
        self.note("clock set", seconds)
        self.changed()
        if self.life:
            self.life.rouse()

    # --- the server's edge ------------------------------------------------------------------

    async def hear(
        self, member: Member, kind: Kind, rid: str | None, token: str, claimed: datetime | None
    ) -> int:
        """Hand a ping to the process that lives, if one does."""
        life = self.life
        if life is None or not life.ready:
            raise LostError
        at = heard_at(claimed, self.clock.now())
        heard = Heard(key=member.key, kind=kind, rid=rid, body=token, at=at)
        task = life.spawn(life.hear(heard))
        await asyncio.wait([task])
        if task.cancelled():
            raise LostError
        return task.result()

    async def ask(self, fn: Callable[[Tx], object]) -> None:
        """Have the living process do something, if one does; a crash may fall into it."""
        life = self.life
        if life and life.ready:
            task = life.spawn(life.door.awrite(fn))
            await asyncio.wait([task])
            error = None if task.cancelled() else task.exception()
            if error is not None and not isinstance(error, Problem):
                self.wrong.append(repr(error))

    # --- setting up -------------------------------------------------------------------------

    async def populate(self) -> None:
        """Make the workspace, its channels and rules, and the fleet."""
        random, at = self.random("fleet"), self.clock.now()
        members = fleet.draw(random, self.scenario.watches, at, self.scenario.schedules)
        life = self.life
        assert life

        def make(tx: Tx) -> list[Member]:
            owner = workspaces.first(tx, at)
            for number, host in enumerate(HOSTS):
                public = {"url": f"https://{host}/"}
                secret = {"secrets": [SECRET]}
                channel = channels.add_channel(
                    tx, owner.id, host, "webhook", public, secret, self.vault, at
                )
                scope = Scope("tags", frozenset({host})) if number else Scope()
                rules.add_rule(tx, owner.id, Rule("", channel.id, scope=scope), at)
            records = [fleet.add(tx, owner.id, one, self.vault, at) for one in members]
            return [fleet.known(one, record) for one, record in zip(members, records, strict=True)]

        for member in await life.spawn(life.door.awrite(make)):
            self.members[member.slug] = member
            self.era(member, at)
            if not member.job:
                client = Client(self, member, self.random(f"client/{member.slug}"))
                self.clients[member.slug] = client
                self.loop.create_task(client.live())

    def era(self, member: Member, at: datetime, *, paused: bool = False) -> None:
        """Note that from `at` on this plan holds."""
        schedule = "" if paused else member.schedule
        self.journal.eras[member.slug].append(Era(at, schedule, member.timezone, member.grace_s))

    def _went_wrong(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.wrong.append(f"{context['message']}: {context.get('exception')!r}")

    # --- running ----------------------------------------------------------------------------

    @contextlib.contextmanager
    def patched(self) -> Iterator[None]:
        """Have all chance in our code come from the seed, and its loops skip idle polls."""
        chance = self.random("ids")

        def turning(loop: Loop) -> NappingTurning:
            return NappingTurning(loop, self.clock, self.agenda)

        secrets = SimpleNamespace(
            randbits=chance.getrandbits, choice=chance.choice, token_bytes=chance.randbytes
        )
        with contextlib.ExitStack() as stack:
            logs = stack.enter_context(structlog.testing.capture_logs())
            for module, name, value in (
                (ids, "secrets", secrets),
                (engine, "Turning", turning),
                (janitor, "EVERY_S", 4 * 3600.0),
                (receipts, "random", self.random("courier")),
                (worker, "random", self.random("worker")),
            ):
                stack.enter_context(mock.patch.object(module, name, value))
            yield
            self.wrong += [str(log) for log in logs if log["log_level"] == "error"]

    def close(self) -> None:
        """End everything."""
        if self.life:
            self.life.end()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.call_later(1, self.loop.stop)
        self.loop.run_forever()
        self.agenda.close()
        self.loop.close()


def _adopted(loop: asyncio.AbstractEventLoop, work: Any, context: Any = None) -> asyncio.Task[Any]:
    task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, context=context)
    life = LIFE.get() if context is None else context.get(LIFE)
    if life is not None:
        life.adopt(task)
    return task
