"""The schedule of a watch: one interval, or calendar lines of which the earliest counts."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from dogwatch.core.schedule.calendar import NEVER, Calendar
from dogwatch.core.schedule.interval import interval_phrase
from dogwatch.core.schedule.spans import FIRST_YEAR, LAST_YEAR, Change, changes

TICK = timedelta(microseconds=1)
# What comes later is taken for a slip of the pen.
WITHIN = timedelta(days=5 * 366)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A parsed schedule; `parse` makes it. Instants are aware, in UTC.

    Nothing is due before `starts_at`, which is the first due time of an interval.
    """

    text: str
    timezone: str
    interval_s: int | None = None
    calendars: tuple[Calendar, ...] = field(default=(), compare=False, repr=False)
    starts_at: datetime | None = None

    @property
    def relative(self) -> bool:
        """Whether it is an interval, so that `after(t)` is t + interval whatever the calendar."""
        return self.interval_s is not None

    def after(self, t: datetime) -> datetime | None:
        """Return the first due time strictly after `t`, None if there is no more."""
        if self.starts_at and t < self.starts_at:
            if self.relative:
                return self.starts_at
            t = self.starts_at - TICK
        at = t.astimezone(UTC).replace(tzinfo=None)
        if not FIRST_YEAR < at.year < LAST_YEAR:
            return None
        if self.interval_s is not None:
            return t.astimezone(UTC) + timedelta(seconds=self.interval_s)
        return _earliest(self, at)

    def next(self, n: int, t: datetime) -> list[datetime]:
        """Return the next `n` due times after `t`, fewer if it ends."""
        found: list[datetime] = []
        while len(found) < n and (due := self.after(found[-1] if found else t)) is not None:
            found.append(due)
        return found

    def silent_line(self, at: datetime) -> str | None:
        """Return the first line that is not due within `WITHIN` of `at`, None if all are."""
        if self.relative:
            return None
        start = at.astimezone(UTC).replace(tzinfo=None)
        lines = zip(self.text.split("\n"), self.calendars, strict=True)
        late = (text for text, line in lines if (line.after(start) or NEVER) > start + WITHIN)
        return next(late, None)

    def english(self) -> str:
        """Return one sentence, e.g. "At 02:00 every weekday, Europe/Berlin"."""
        if self.interval_s is not None:
            return interval_phrase(self.interval_s)
        phrases = [line.english() for line in self.calendars]
        zones = [line.zone.key for line in self.calendars]
        if len(set(zones)) == 1:
            return _sentence(phrases) + f", {zones[0]}"
        return _sentence([", ".join(pair) for pair in zip(phrases, zones, strict=True)])

    def dst_notes(self, t: datetime, n: int) -> list[str]:
        """Say what clock changes do to the next `n`: "25 Oct: clocks go back, runs once"."""
        due = self.next(n, t)
        if not due or self.relative:
            return []
        first, last = (at.astimezone(UTC).replace(tzinfo=None) for at in (t, due[-1]))
        notes = [
            (change.at, note)
            for line in self.calendars
            for change in _changes_between(line, first, last)
            if (note := line.dst_note(change))
        ]
        return list(dict.fromkeys(note for _, note in sorted(notes)))


@lru_cache(maxsize=16_384)  # every ping asks for the slot after the one that its watch owes
def _earliest(schedule: Schedule, at: datetime) -> datetime | None:
    """Return what is due first after `at`, a time in UTC without a zone, of all calendar lines."""
    found = [due for line in schedule.calendars if (due := line.after(at)) is not None]
    return min(found).replace(tzinfo=UTC) if found else None


def _changes_between(line: Calendar, first: datetime, last: datetime) -> list[Change]:
    """The changes whose skipped or repeated times start by `last`."""
    return [
        change
        for year in range(first.year, last.year + 1)
        for change in changes(line.zone, year)
        if change.at > first and change.at + min(change.shift, timedelta()) <= last
    ]


def _sentence(phrases: list[str]) -> str:
    first, *rest = phrases
    return "; ".join([first, *(phrase[0].lower() + phrase[1:] for phrase in rest)])
