"""A hundred watches of every kind, drawn from a seed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

from dogwatch.core.run import CatchUp, LostRun, Overlap, Policy
from dogwatch.core.schedule import parse
from dogwatch.core.spec import WatchSpec
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases import jobs, watches
from dogwatch.usecases.jobs import JobSpec
from dogwatch.vault import Vault

BUSY = (
    ("*/10 * * * *", "UTC"),
    ("*/20 * * * *", "Australia/Lord_Howe"),
    ("*/30 * * * *", "Asia/Kathmandu"),
    ("0 * * * *", "Europe/Berlin"),
    ("30 2 * * *", "Europe/Berlin"),
    ("15 1,2,3 * * *", "America/New_York"),
    ("5 0-6,12 * * *", "America/Havana"),
    ("0 9-17 * * 1-5", "Asia/Kolkata"),
    ("@daily", "Africa/Casablanca"),
    ("*-*-* 02:30:00", "Europe/London"),
    ("*-*-* 0/2:10:00", "Europe/Berlin"),
    ("Sat,Sun *-*-* 01..03:00/30:00", "America/New_York"),
    ("every 5m", "UTC"),
    ("every 17m", "UTC"),
    ("every 1h", "UTC"),
    ("every 6h", "UTC"),
)
# Most real work is done once a night; of a hundred watches a few are due every hour.
CALM = (
    *[("@daily", "UTC"), ("30 2 * * *", "Europe/Berlin"), ("15 1 * * *", "America/New_York")] * 9,
    *[("*-*-* 02:30:00", "Europe/London"), ("every 1d", "UTC"), ("45 3 * * *", "Asia/Kolkata")] * 9,
    *[("0 3 * * 0", "Europe/Berlin"), ("Sat *-*-* 04:00:00", "America/Havana")] * 4,
    *[("every 6h", "UTC"), ("10 */8 * * *", "Australia/Lord_Howe")] * 3,
    *[("0 * * * *", "Europe/Berlin"), ("5 8-18 * * 1-5", "Asia/Kathmandu")],
    *[("*/5 3 * * *", "Europe/London"), ("*/2 4 * * 6", "UTC")],
)
PLAIN = Policy()
STYLES = ("plain", "plain", "timed", "spooling", "curl")


@dataclass(frozen=True, slots=True)
class Member:
    """One watch of the fleet: what it expects, and how its client (or its runs) behave."""

    slug: str
    schedule: str
    timezone: str
    grace_s: int
    style: str
    action_kind: str = ""
    policy: Policy = PLAIN
    key: str = ""
    id: str = ""

    @property
    def job(self) -> bool:
        """Whether we run it ourselves."""
        return bool(self.action_kind)

    @property
    def host(self) -> str:
        """The receiver that is told of this watch beside the one told of all."""
        return "odd.example" if int(self.slug.rpartition("-")[2]) % 2 else "even.example"

    def spec(self) -> WatchSpec:
        """Return the watch as its owner describes it."""
        return WatchSpec(
            name=self.slug, slug=self.slug, schedule=self.schedule, timezone=self.timezone,
            start_by_s=self.grace_s, tags=(self.host,),
        )  # fmt: skip

    def job_spec(self) -> JobSpec:
        """Return the job as its owner describes it."""
        action: dict[str, object] = {"url": "https://probe.example/"}
        if self.action_kind == "script":
            action = {"language": "bash", "source": "true"}
        return JobSpec(self.spec(), self.action_kind, action, self.policy)


Schedules = Sequence[tuple[str, str]]


def draw(random: Random, count: int, at: datetime, schedules: Schedules) -> list[Member]:
    """Return members; three in five are heartbeats, the others jobs."""
    return [_member(random, number, at, schedules) for number in range(count)]


def _member(random: Random, number: int, at: datetime, schedules: Schedules) -> Member:
    text, timezone = random.choice(schedules)
    grace_s = draw_grace(random, text, timezone, at)
    if random.random() < 0.6:
        return Member(f"beat-{number}", text, timezone, grace_s, random.choice(STYLES))
    policy = Policy(
        overlap=random.choice(list(Overlap)),
        catch_up=random.choice(list(CatchUp)),
        max_attempts=random.choice((1, 1, 3)),
        backoff_s=20,
        lost_run=random.choice(list(LostRun)),
    )
    kind = random.choice(("http", "script"))
    return Member(f"job-{number}", text, timezone, grace_s, "job", kind, policy)


def draw_grace(random: Random, text: str, timezone: str, at: datetime) -> int:
    """Return a grace of at most half the time between two slots, so that windows part."""
    schedule = parse(text, timezone)
    slots = schedule.next(60, at - timedelta(days=1))
    least = min((b - a).total_seconds() for a, b in pairwise(slots))
    return random.randint(60, max(61, min(1800, int(least / 2) - 1)))


def add(tx: Tx, workspace_id: int, member: Member, vault: Vault, at: datetime) -> Record:
    """Make the watch of a member."""
    if member.job:
        return jobs.add(tx, workspace_id, member.job_spec(), vault, at)
    return watches.add(tx, workspace_id, member.spec(), at)


def known(member: Member, record: Record) -> Member:
    """Return the member with the id and key that its watch was given."""
    return replace(member, id=record.id, key=record.ping_key)
