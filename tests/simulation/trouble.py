"""Trouble, drawn from the seed: crashes, a full disk, set clocks, moody receivers, operators."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from random import Random

from dogwatch.core.problems import Problem
from dogwatch.store import tasks
from dogwatch.store.database import Tx
from dogwatch.usecases import jobs, runs, watches
from tests.simulation import fleet
from tests.simulation.clients import edited
from tests.simulation.fleet import Member
from tests.simulation.journal import Span
from tests.simulation.virtual import pause
from tests.simulation.world import World

HOUR = 3600.0


class Trouble:
    """Everything that befalls the world, each kind at its own pace."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._random = world.random("trouble")
        self._paces: list[tuple[float, Callable[[], Awaitable[None]]]] = [
            (3 * HOUR, self._crash),
            (15 * HOUR, self._shut_down),
            (12 * HOUR, self._fill_disk),
            (16 * HOUR, self._set_clock),
            (0.3 * HOUR, self._change_mood),
            (0.2 * HOUR, self._trigger),
            (0.5 * HOUR, self._cancel),
            (1.0 * HOUR, self._pause),
            (1.0 * HOUR, self._edit),
        ]

    def begin(self) -> None:
        """Let everything take its course."""
        for mean_s, befall in self._paces:
            chance = self._world.random(befall.__name__)
            self._world.loop.create_task(self._now_and_then(mean_s, befall, chance))

    async def _now_and_then(
        self, mean_s: float, befall: Callable[[], Awaitable[None]], chance: Random
    ) -> None:
        while True:
            await pause(chance.expovariate(self._world.scenario.trouble / mean_s))
            if self._world.quiet:
                return
            await befall()

    async def _crash(self) -> None:
        self._world.crash(self._random.choice((1.0, self._random.uniform(1, 600))))

    async def _shut_down(self) -> None:
        await self._world.shut_down(self._random.uniform(1, 120))

    async def _fill_disk(self) -> None:
        life = self._world.life
        if life is None or not life.ready:
            return
        door, began_at = life.door, self._world.clock.now()
        life.unsettle()
        door.away = True
        self._world.note("disk full")
        await pause(self._random.choice((2.0, 20.0, 60.0)))
        door.away = False
        span = Span(began_at, self._world.clock.now())
        long = span.end_at - span.start_at > timedelta(seconds=12)
        around = (span.start_at - timedelta(seconds=4), span.end_at + timedelta(seconds=4))
        self._world.journal.outages.append(Span(*around, span if long else None))

    async def _set_clock(self) -> None:
        far = self._random.choice((-7200, -3600, -5, -1, 2, 5, 30, 600, 7200))
        self._world.step_clock(far * self._random.uniform(0.5, 1))

    async def _change_mood(self) -> None:
        self._world.receivers.change()

    # --- operators --------------------------------------------------------------------------

    def _some(self, *, job: bool) -> Member | None:
        found = [member for member in self._world.members.values() if member.job is job]
        return self._random.choice(found) if found else None

    async def _trigger(self) -> None:
        member, world = self._some(job=True), self._world
        if member is None:
            return

        def trigger(tx: Tx) -> None:
            record = watches.find(tx, 1, member.slug, lock=True)
            run = runs.trigger(tx, record, "", world.clock.now())
            tx.after_commit(lambda: world.journal.triggered.add(run.id))

        await world.ask(trigger)

    async def _cancel(self) -> None:
        world, number = self._world, self._random.random()

        def cancel(tx: Tx) -> None:
            held = [
                task.ref_id
                for node_id in sorted(tasks.nodes_holding(tx))
                for task in tasks.held_by(tx, {node_id}, 100)
                if task.lane in runs.LANES
            ]
            if held:
                run_id = held[int(number * len(held))]
                runs.cancel(tx, 1, run_id, "not now", world.clock.now())
                tx.after_commit(lambda: world.journal.cancelled.add(run_id))

        await world.ask(cancel)

    async def _pause(self) -> None:
        member = self._some(job=self._random.random() < 0.4)
        if member is None:
            return
        await self._turn(member, on=False)
        await pause(self._random.uniform(1, 2 * HOUR))
        await self._turn(member, on=True)

    async def _turn(self, member: Member, *, on: bool) -> None:
        world = self._world
        paused = False

        def turn(tx: Tx) -> None:
            at = world.clock.now()
            record = watches.find(tx, 1, member.slug, lock=True)
            (watches.resume if on else watches.pause)(tx, record, at)
            tx.after_commit(lambda: world.era(world.members[member.slug], at, paused=not on))
            tx.after_commit(lambda: world.note("turned", member.slug, on))

        while not paused:
            await world.ask(turn)
            paused = not on or bool(world.journal.eras[member.slug][-1].schedule)
            await pause(5)

    async def _edit(self) -> None:
        member, world = self._some(job=self._random.random() < 0.4), self._world
        if member is None:
            return
        member = world.members[member.slug]
        if not world.journal.eras[member.slug][-1].schedule:
            return
        text, timezone = member.schedule, member.timezone
        if self._random.random() < 0.5:
            text, timezone = self._random.choice(self._world.scenario.schedules)
        grace_s = fleet.draw_grace(self._random, text, timezone, world.clock.now())
        after = edited(member, text, timezone, grace_s)

        def edit(tx: Tx) -> None:
            at = world.clock.now()
            record = watches.find(tx, 1, member.slug, lock=True)
            if str(record.watch.status) == "paused":
                raise Problem("conflict", "not while it is paused")
            if after.job:
                jobs.edit(tx, record, replace(after.job_spec()), world.vault, at)
            else:
                watches.edit(tx, record, after.spec(), at)
            tx.after_commit(lambda: self._edited(after))

        await world.ask(edit)

    def _edited(self, member: Member) -> None:
        world = self._world
        world.members[member.slug] = member
        world.era(member, world.clock.now())
        world.note("edited", member.slug)
        if member.slug in world.clients:
            world.clients[member.slug].edit(member)
            world.changed()
