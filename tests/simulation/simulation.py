"""One simulation from beginning to end, and what is left of it to be judged."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from dogwatch.store import migrate
from dogwatch.store.database import Tx
from dogwatch.usecases.audit import Finding, audit
from tests.simulation.journal import Journal
from tests.simulation.ledger import judge_runs
from tests.simulation.oracle import judge
from tests.simulation.trouble import Trouble
from tests.simulation.virtual import pause
from tests.simulation.world import HOSTS, Scenario, World

QUIET_S = 3.5 * 3600
TABLES = ("runs", "flips", "deliveries", "receipts", "pings", "outages")


@dataclass(slots=True)
class Verdict:
    """What came of a simulation: `breaches` is empty where every promise was kept."""

    seed: int
    breaches: list[str]
    digest: str
    figures: str


def simulate(scenario: Scenario, path: Path) -> Verdict:
    """Run a scenario on a fresh store at `path`."""
    migrate.upgrade(f"sqlite:///{path}")
    world = World(scenario, path)
    try:
        with world.patched():
            world.loop.run_until_complete(_days(world))
            breaches = _judged(world)
        breaches += world.wrong
    finally:
        world.close()
    return Verdict(scenario.seed, breaches, world.journal.digest(), _figures(world))


async def _days(world: World) -> None:
    await world.boot()
    await world.populate()
    if world.scenario.trouble:
        Trouble(world).begin()
    await pause(world.scenario.days * 86_400)
    world.quiet, world.network.bad = True, False
    world.receivers.mood = dict.fromkeys(HOSTS, "well")
    await pause(QUIET_S)


def _judged(world: World) -> list[str]:
    life = world.life
    if life is None:
        return ["the process did not come back"]
    at = world.clock.now()
    findings: list[Finding] = life.door.read(lambda tx: audit(tx, at))
    breaches = [f"audit: {one.rule}: {one.where}: {one.detail}" for one in findings]
    for table in TABLES:
        for row in life.door.read(partial(_rows, table)):
            world.journal.note(table, row)
    quiet_at = at - timedelta(seconds=QUIET_S)
    breaches += life.door.read(lambda tx: judge(tx, world, quiet_at))
    return breaches + life.door.read(lambda tx: list(judge_runs(tx, world, quiet_at)))


def _rows(table: str, tx: Tx) -> list[tuple[object, ...]]:
    return [tuple(row) for row in tx.conn.exec_driver_sql(f"SELECT * FROM {table} ORDER BY id")]


def _figures(world: World) -> str:
    journal: Journal = world.journal
    heard = sum(len(pings) for pings in journal.pings.values())
    return (
        f"{heard} pings, {len(journal.executions)} executions, {journal.crashes} deaths, "
        f"{len(world.receivers.arrived)} webhooks, {journal.lines} events"
    )
