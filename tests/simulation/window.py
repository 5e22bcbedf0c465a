"""When a watch owes a sign of life, and when silence is a fault of its own: by the design alone."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache, partial
from operator import attrgetter

from dogwatch.core.schedule import parse
from tests.simulation.journal import Era, Ping, Span

MARGIN = timedelta(seconds=5)
BLINK = timedelta(seconds=1)
SLACK = timedelta(seconds=3)
MINUTE = timedelta(seconds=60)

_at = attrgetter("at")


@lru_cache(maxsize=65_536)
def _after(schedule: str, timezone: str, at: datetime) -> datetime | None:
    return parse(schedule, timezone).after(at)


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing was heard of `slot_at` by `deadline_at`; an outage of ours may put judging off."""

    slot_at: datetime
    deadline_at: datetime
    judged_at: datetime


def overlapping(spans: Sequence[Span], from_at: datetime, until: datetime) -> list[Span]:
    """Return the spans that touch the given time."""
    return [span for span in spans if span.start_at <= until and from_at <= span.end_at]


class Windows:
    """The windows of one plan while it held. Pings come in the order of their times."""

    def __init__(self, era: Era, outages: Sequence[Span], since_at: datetime | None = None) -> None:
        self.era = era
        self._after = partial(_after, era.schedule, era.timezone)
        self._since_at = since_at or era.from_at
        self._outages = sorted(outages, key=lambda span: span.start_at)
        self._grace = timedelta(seconds=era.grace_s)
        interval_s = parse(era.schedule, era.timezone).interval_s
        self._interval = None if interval_s is None else timedelta(seconds=interval_s)
        self._rearm = max(self._grace, MINUTE) + (self._interval or timedelta())

    # --- was it silent? ---------------------------------------------------------------------

    def silent(self, pings: Sequence[Ping], at: datetime) -> bool:
        """Whether a slot can be named of which nothing had been heard that could be judged.

        A client that tries once, while we are away, is no better than a silent one.
        """
        if self._interval:
            heard = pings[: bisect_right(pings, at, key=_at)]
            base = max([ping.at for ping in heard[-1:]] + [self._since_at])
            slots = [base + self._interval]
        else:
            slots = [
                slot
                for slot in self._slots(at - self._grace)
                if not self._heard(pings, slot, slot + self._grace)
            ]
        return any(self._earliest(slot) <= at + BLINK for slot in slots[-60:])

    def _earliest(self, slot: datetime) -> datetime:
        """Return the first moment at which silence about a slot may be judged."""
        until = slot + self._grace
        for span in self._outages:
            inner = span.inner
            if inner and inner.start_at < until and self._opens(slot) < inner.end_at:
                if inner.start_at <= slot < inner.end_at and not self._interval:
                    return datetime.max.replace(tzinfo=slot.tzinfo)
                until = max(until, inner.end_at + self._rearm)
        return until

    # --- which silences are there? ----------------------------------------------------------

    def silences(self, pings: Sequence[Ping], until: datetime) -> Iterator[Silence]:
        """Yield each silence that is to be judged by `until`."""
        for slot, known_at in self._owed(pings, until):
            deadline_at = max(slot + self._grace, known_at)
            judged_at = self._latest(slot, deadline_at)
            if judged_at is None or judged_at > until:
                continue
            if not self._heard(pings, slot, judged_at + SLACK):
                yield Silence(slot, deadline_at, judged_at)

    def _owed(self, pings: Sequence[Ping], until: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield each slot, and since when it is known to be owed."""
        if self._interval is None:
            yield from ((slot, slot) for slot in self._slots(until))
            return
        for ping in pings:
            if ping.at > self.era.from_at:
                yield ping.at + self._interval, ping.committed_at

    def _latest(self, slot: datetime, deadline_at: datetime) -> datetime | None:
        """Return by when silence must be judged, None where an outage excuses it for good."""
        limit = deadline_at
        for span in self._outages:
            if span.start_at - MARGIN <= slot <= span.end_at + MARGIN and not self._interval:
                return None
            if span.start_at <= limit + SLACK and span.end_at >= self._opens(slot) - MARGIN:
                limit = max(limit, span.end_at + self._rearm + SLACK)
        return limit

    # --- slots ------------------------------------------------------------------------------

    def _slots(self, until: datetime) -> list[datetime]:
        found: list[datetime] = []
        slot = self._after(self._since_at)
        while slot is not None and slot <= until:
            found.append(slot)
            slot = self._after(slot)
        return found

    def _heard(self, pings: Sequence[Ping], slot: datetime, until: datetime) -> bool:
        opens_at = self._opens(slot)
        if self._interval:  # anything after the sign of life before counts
            opens_at = slot - self._interval + timedelta(microseconds=1)
        first = bisect_left(pings, opens_at, key=_at)
        return first < len(pings) and pings[first].at <= until

    def _opens(self, slot: datetime) -> datetime:
        following = self._after(slot)
        half = (following - slot) / 2 if following else self._grace
        return slot - min(self._grace, half)
