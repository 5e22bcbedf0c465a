"""Times in which people are left alone: quiet hours, digests and maintenance windows."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

from dogwatch.core.lengths import words_of
from dogwatch.core.plain import span
from dogwatch.core.problems import Problem, invalid, refuse
from dogwatch.core.schedule import Schedule, parse
from dogwatch.core.schedule.spans import changes

DAY_S = 86_400
MAX_DURATION_S = 31 * DAY_S
# Recurrences that follow upon each other without a pause are one window; so many are looked at.
MAX_JOINED = 50


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours of every day, `[start, end)` on the clock of a zone; they may pass midnight."""

    start: time
    end: time
    timezone: str = "UTC"

    def until(self, at: datetime) -> datetime | None:
        """Return when the hours that `at` lies in end, None outside of them."""
        today = at.astimezone(_zone(self.timezone)).date()
        nights = timedelta(days=self.end <= self.start)
        for day in (today - timedelta(days=1), today):
            begun_at = _instant(day, self.start, self.timezone)
            end_at = _instant(day + nights, self.end, self.timezone)
            if begun_at <= at < end_at:
                return end_at
        return None


@dataclass(frozen=True, slots=True)
class Digest:
    """A time of every day at which what was collected is told."""

    time: time
    timezone: str = "UTC"

    def after(self, at: datetime) -> datetime:
        """Return the first such time after `at`."""
        today = at.astimezone(_zone(self.timezone)).date()
        days = (today + timedelta(days=n) for n in range(3))
        times = (_instant(day, self.time, self.timezone) for day in days)
        return next(one for one in times if one > at)


@dataclass(frozen=True, slots=True)
class Once:
    """One stretch of time, `[start_at, end_at)`."""

    start_at: datetime
    end_at: datetime

    def until(self, at: datetime) -> datetime | None:
        """Return its end while `at` lies in it."""
        return self.end_at if self.start_at <= at < self.end_at else None

    def coming(self, at: datetime, before: datetime) -> list[tuple[datetime, datetime]]:
        """Return when it begins and ends, if it is not over and begins before a time."""
        return [(self.start_at, self.end_at)] if at < self.end_at and self.start_at < before else []


@dataclass(frozen=True, slots=True)
class Recurring:
    """A stretch of `duration_s` from each due time of a schedule on."""

    schedule: Schedule
    duration_s: int

    def until(self, at: datetime) -> datetime | None:
        """Return when the stretch around `at` ends, with those that follow without a pause."""
        length = timedelta(seconds=self.duration_s)
        begun_at, end_at = self.schedule.after(at - length), None
        for _ in range(MAX_JOINED):
            if begun_at is None or begun_at > (end_at or at):
                break
            end_at = begun_at + length
            begun_at = self.schedule.after(begun_at)
        return end_at

    def coming(self, at: datetime, before: datetime) -> list[tuple[datetime, datetime]]:
        """Return the stretches that are not over and begin before a time; so many at most."""
        length = timedelta(seconds=self.duration_s)
        found: list[tuple[datetime, datetime]] = []
        begun_at = self.schedule.after(at - length)
        while begun_at and begun_at < before and len(found) < MAX_JOINED:
            found.append((begun_at, begun_at + length))
            begun_at = self.schedule.after(begun_at)
        return found


Window = Once | Recurring

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class WindowSpec:
    """What people say of a maintenance window.

    once: `start_at`, `end_at`; weekly: `days` (mon … sun), `start` ("22:00"), `duration_s`;
    cron: `cron`, `duration_s`. The last two on the clock of `timezone`.
    """

    kind: Literal["once", "weekly", "cron"]
    start_at: datetime | None = None
    end_at: datetime | None = None
    days: tuple[str, ...] = ()
    start: str | None = None
    cron: str | None = None
    duration_s: int | None = None
    timezone: str = "UTC"

    def words(self) -> str:
        """Return it for people; times of one that comes once are in UTC."""
        length = span(self.duration_s or 0)
        match self.kind:
            case "once":
                return f"from {self.start_at:%Y-%m-%d %H:%M} to {self.end_at:%Y-%m-%d %H:%M} UTC"
            case "weekly":
                return f"on {', '.join(self.days)} at {self.start} {self.timezone}, for {length}"
            case _:
                return f"by cron {self.cron} ({self.timezone}), for {length}"

    def window(self) -> Window:
        """Return the window; a Problem names each bad field."""
        return self._once() if self.kind == "once" else self._recurring()

    def _once(self) -> Once:
        bad = {
            name: "give it for a window of kind once"
            for name in ("start_at", "end_at")
            if getattr(self, name) is None
        }
        if self.start_at and self.end_at and self.end_at <= self.start_at:
            bad["end_at"] = "must be after start_at"
        refuse(bad | self._strange("start_at", "end_at"))
        assert self.start_at
        assert self.end_at
        return Once(self.start_at, self.end_at)

    def _recurring(self) -> Recurring:
        bad: dict[str, str] = {}
        if self.duration_s is None or not 60 <= self.duration_s <= MAX_DURATION_S:
            told = f"give 1 min to {words_of(MAX_DURATION_S)}"
            bad["duration_s"] = f"{told}: a whole number of seconds from 60 to {MAX_DURATION_S}"
        weekly = self.kind == "weekly"
        known = ("days", "start") if weekly else ("cron",)
        bad |= self._strange("duration_s", *known)
        line = self._weekly_line(bad) if weekly else self.cron
        if line is None or (not weekly and (line[:1] == "@" or len(line.split()) != 5)):
            bad.setdefault("start" if weekly else "cron", "give the five fields of a cron line")
        refuse(bad)
        schedule = parse(line or "", self.timezone, field="cron")
        return Recurring(schedule, self.duration_s or 0)

    def _weekly_line(self, bad: dict[str, str]) -> str | None:
        if not self.days or not set(self.days) <= set(_DAYS):
            bad["days"] = f"give one at least of {', '.join(_DAYS)}"
        try:
            start = clock_time(self.start or "", "start")
        except Problem as problem:
            bad |= problem.fields
            return None
        return f"{start.minute} {start.hour} * * {','.join(self.days).upper()}"

    def _strange(self, *known: str) -> dict[str, str]:
        """Return what was given and means nothing in this kind of window."""
        every = {"start_at", "end_at", "days", "start", "cron", "duration_s"}
        given = sorted(name for name in every - set(known) if getattr(self, name))
        return dict.fromkeys(given, f"is not of a window of kind {self.kind}")


def clock_time(text: str, field: str) -> time:
    """Return "22:00" as a time; a Problem of `field` for anything else."""
    hour, colon, minute = text.partition(":")
    digits = len(text) == 5 and colon and (hour + minute).isascii() and (hour + minute).isdigit()
    if not digits or int(hour) > 23 or int(minute) > 59:
        raise invalid(field, "give a time such as 22:00")
    return time(int(hour), int(minute))


def check_zone(timezone: str, field: str = "timezone") -> None:
    """Raise a Problem of `field` for what is no time zone."""
    try:
        parse("@daily", timezone)
    except Problem as problem:
        raise invalid(field, problem.fields.get("timezone", problem.message)) from None


def _zone(timezone: str) -> tzinfo:
    try:
        return ZoneInfo(timezone)
    except (ValueError, OSError, KeyError):  # a zone this machine lost must not lose an alert
        return UTC


def _instant(day: date, clock: time, timezone: str) -> datetime:
    """Return when a clock shows a time: first, if twice; where it leaps over it, at the leap."""
    zone = _zone(timezone)
    wall = datetime.combine(day, clock, zone)
    at, before = (wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    leaps = changes(zone, before.year) if isinstance(zone, ZoneInfo) and before < at else ()
    found = (change.at.replace(tzinfo=UTC) for change in leaps)
    return next((leap for leap in found if before <= leap <= at), at)
