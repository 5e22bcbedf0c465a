"""How a watch did: counts and a histogram of durations that can be merged, cheap to keep.

The buckets grow by a tenth, so a percentile is off by 5 % at most, whatever is merged.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import ceil, exp, log

from dogwatch.core.result import BAD, GOOD, Outcome

_STEP = log(1.1)

Buckets = Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Tally:
    """The slots of some time by outcome, and the durations of the good ones in ms."""

    ok: int = 0
    slow: int = 0
    bad: int = 0
    total_ms: int = 0
    buckets: Buckets = field(default_factory=dict)

    @property
    def good(self) -> int:
        """The slots in which the target was well."""
        return self.ok + self.slow

    @property
    def count(self) -> int:
        """The slots that count: ours alone is what was not asked."""
        return self.good + self.bad

    @property
    def uptime_percent(self) -> float | None:
        """The share of good slots, never rounded up to 100; None where nothing was asked."""
        if not self.count:
            return None
        return 100.0 if not self.bad else min(round(100 * self.good / self.count, 3), 99.999)

    @property
    def average_ms(self) -> float | None:
        """The mean duration of good slots."""
        return round(self.total_ms / self.good, 1) if self.good else None

    def percentile_ms(self, share: float) -> float | None:
        """Return the duration that this share of the good slots did not exceed."""
        wanted, seen = ceil(sum(self.buckets.values()) * share), 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen >= wanted:
                return round(_middle_ms(bucket), 1)
        return None


def of(outcome: Outcome, duration_ms: int | None) -> Tally | None:
    """Return the tally of one slot; None for one that says nothing of the target."""
    if outcome in BAD:
        return Tally(bad=1)
    if outcome not in GOOD:
        return None
    took_ms = max(duration_ms or 0, 0)
    slow = outcome is Outcome.SLOW
    return Tally(int(not slow), int(slow), 0, took_ms, {bucket_of(took_ms): 1})


def merged(tallies: Iterable[Tally]) -> Tally:
    """Return the tally of all of them together."""
    ok = slow = bad = total_ms = 0
    buckets: Counter[int] = Counter()
    for one in tallies:
        ok, slow, bad = ok + one.ok, slow + one.slow, bad + one.bad
        total_ms += one.total_ms
        buckets.update(one.buckets)
    return Tally(ok, slow, bad, total_ms, dict(buckets))


def bucket_of(duration_ms: float) -> int:
    """Return the number of the bucket of a duration; 0 holds what is below a millisecond."""
    return 0 if duration_ms < 1 else int(log(duration_ms) / _STEP) + 1


def _middle_ms(bucket: int) -> float:
    return 0.5 if bucket == 0 else exp((bucket - 0.5) * _STEP)
