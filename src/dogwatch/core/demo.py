"""Twelve items to look at: what they are, and how their last thirty days went."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from dogwatch.core.probe.pace import share
from dogwatch.core.result import Outcome
from dogwatch.core.signals import Answer, Finish, Lapse, Queue, Signal, Start
from dogwatch.core.watch import Watch

DAYS = timedelta(days=30)
TAG = "demo"
_SPREAD = 0.4

Fate = Literal["fail", "slow", "miss", "late", "never"]


@dataclass(frozen=True, slots=True)
class Example:
    """One item; `fates` tells what became of slots, counted from the last (-1), all others good.

    `never`: nothing of it was heard at all.
    """

    name: str
    schedule: str
    kind: Literal["watch", "job", "probe"] = "watch"
    tags: tuple[str, ...] = ()
    takes_s: float = 60
    grace_s: int = 1800
    fates: Mapping[int, Fate] = field(default_factory=dict)
    paused: bool = False
    says: str = ""
    complains: str = ""
    description: str = ""

    @property
    def slow_after_ms(self) -> int | None:
        """What is too long, where it was ever slow."""
        return int(self.takes_s * 2000) if "slow" in self.fates.values() else None


EXAMPLES: tuple[Example, ...] = (
    Example(
        "Nightly database backup", "0 2 * * *", tags=("db",), takes_s=240,
        fates={-9: "fail", -20: "miss"}, says="dumped 48 tables, 3.1 GB",
        description="If it fails: look at the free space of db1 first.",
    ),
    Example(
        "Invoices to accounting", "30 5 * * *", tags=("billing",), takes_s=35,
        fates={-1: "fail", -14: "fail"}, says="41 invoices sent",
        complains="error: accounting answered 503",
    ),
    Example("Clean old sessions", "30 */2 * * *", tags=("shop",), takes_s=4, grace_s=86_400),
    Example("Search index", "15 */3 * * *", tags=("shop",), takes_s=90, grace_s=86_400,
            fates={-1: "slow", -2: "slow", -200: "fail", -201: "fail"}),
    Example("Newsletter", "0 9 * * 1", tags=("marketing",), takes_s=600, fates={-3: "miss"}),
    Example("Copy to the other site", "0 */2 * * *", tags=("db",), takes_s=50, grace_s=86_400,
            fates={-1: "late", -200: "fail"}),
    Example("Payroll", "0 6 1 * *", tags=("billing",), takes_s=300, grace_s=86_400),
    Example("Certificates renewed", "0 4 * * *", tags=("web",), takes_s=12, fates={-4: "fail"}),
    Example("Phone app heartbeat", "0 12 * * *", fates={-1: "never"}),
    Example("Daily report", "0 7 * * *", "job", ("reports",), 8, fates={-6: "fail"},
            says="12 charts drawn"),
    Example("Tidy uploads", "45 3 * * *", "job", ("shop",), 3, says="removed 212 files"),
    Example("Shop answers", "40 */2 * * *", "probe", ("web",), 0.18, paused=True,
            fates={-300: "fail", -301: "fail", -30: "slow"}),
)  # fmt: skip


def history(example: Example, watch: Watch, at: datetime) -> Iterator[tuple[Signal, str]]:
    """Yield what happened to a new watch until `at`, with a name for the run of each signal."""
    slots: list[datetime] = []
    slot = watch.slot_at
    longest = timedelta(seconds=example.takes_s * 4)
    while slot and slot + longest < at:
        slots.append(slot)
        slot = watch.plan.after(slot)
    if "never" in example.fates.values():
        return
    for number, slot in enumerate(slots):
        fate = example.fates.get(number - len(slots))
        yield from _slot(example, watch, slot, number, fate)


def _slot(
    example: Example, watch: Watch, slot: datetime, number: int, fate: Fate | None
) -> Iterator[tuple[Signal, str]]:
    run = f"{example.name} {number}"
    if fate == "late":
        return
    if fate == "miss":
        yield Lapse(slot + watch.plan.grace), run
        return
    factor = 1 - _SPREAD / 2 + _SPREAD * share(run) + (2 if fate == "slow" else 0)
    length = timedelta(seconds=example.takes_s * factor)
    outcome = Outcome.FAIL if fate == "fail" else Outcome.OK
    reason = ("" if example.kind != "probe" else "status 503") if fate == "fail" else ""
    following = watch.plan.after(slot)
    if example.kind == "probe":
        ms = int(length / timedelta(milliseconds=1))
        yield Answer(slot + length, run, slot, following, outcome, reason, slot, ms), run
        return
    began_at = slot + timedelta(seconds=2 * share(f"{run} began"))
    if example.kind == "job":
        yield Queue(slot, run, slot, following), run
    yield Start(began_at, run), run
    told = "exit status 1" if fate == "fail" else ""
    yield Finish(began_at + length, run, outcome, reason=told), run
