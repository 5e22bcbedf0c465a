"""Five-field cron lines and the @macros, matched by `cronsim`."""

import re
from copy import copy
from datetime import datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from cronsim.cronsim import Field, SpecItem

from dogwatch.core.schedule.calendar import NEVER, Calendar
from dogwatch.core.schedule.english import Pattern
from dogwatch.core.schedule.spans import SECOND

MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
FIELDS = (
    (Field.MINUTE, "minute", "0-59"),
    (Field.HOUR, "hour", "0-23"),
    (Field.DAY, "day of month", "1-31, L for the last day, LW for the last weekday"),
    (Field.MONTH, "month", "1-12 or JAN-DEC"),
    (Field.DOW, "day of week", "0-7 or SUN-SAT, 5L for the last Friday, 1#2 for the 2nd Monday"),
)
_STEPPED = re.compile(r"(\w+)-(\w+)/0*[1-9]\d*")
ANY_TIME = datetime(2025, 1, 1)  # noqa: DTZ001 (a wall time)


def is_cron(line: str) -> bool:
    """Tell cron from the other kinds: a macro, or five fields and more."""
    return line.startswith("@") or len(line.split()) >= len(FIELDS)


def compile_cron(line: str, zone: ZoneInfo) -> Calendar:
    """Compile a line; ValueError names the cron field at fault."""
    parts = _expand(line).upper().split()
    if len(parts) != len(FIELDS):
        raise ValueError(
            f"cron has 5 fields (minute, hour, day of month, month, day of week), got {len(parts)};"
            " for seconds use OnCalendar or an interval"
        )
    parts = [_terms(field, part) for (field, *_), part in zip(FIELDS, parts, strict=True)]
    try:
        sim = CronSim(" ".join(parts), ANY_TIME)
    except CronSimError:
        raise ValueError(_fault(parts)) from None
    fixed = not parts[0].startswith("*") and not parts[1].startswith("*")
    return Calendar(zone, fixed, _pattern(sim), lambda start: _next_wall(sim, start))


def _terms(cron_field: Field, part: str) -> str:
    return ",".join(_term(cron_field, term) for term in part.split(","))


def _term(cron_field: Field, term: str) -> str:
    """Return `a-a/n` as `a`: one value (cron(5)), which `cronsim` takes for `a/n`."""
    stepped = _STEPPED.fullmatch(term)
    if stepped is None:
        return term
    try:
        first, last = (cron_field.int(end) for end in stepped.groups())
    except CronSimError:  # worded below, with the rest of the field
        return term
    return stepped[1] if first == last else term


def _expand(line: str) -> str:
    if not line.startswith("@"):
        return line
    if line.lower() == "@reboot":
        raise ValueError("@reboot is not supported: it names an event, not a time")
    if line.lower() not in MACROS:
        raise ValueError(f"unknown macro {line[:40]!r}; known are {', '.join(MACROS)}")
    return MACROS[line.lower()]


def _fault(parts: list[str]) -> str:
    for part, (cron_field, name, allowed) in zip(parts, FIELDS, strict=True):
        try:
            cron_field.parse(part)
        except CronSimError:
            return f"{name} {part[:40]!r} is not valid ({allowed})"
    return f"day of month {parts[2][:40]!r} never comes in month {parts[3][:40]!r}"


def _next_wall(sim: CronSim, start: datetime) -> datetime:
    probe = copy(sim)
    probe.dt = start - SECOND
    return next(probe, NEVER)


def _weekday(item: SpecItem) -> tuple[int, int]:
    """Return (ISO weekday, nth in the month: 1-5, -1 for the last, 0 for every)."""
    day, nth = item if isinstance(item, tuple) else (item, 0)
    return day or 7, -1 if nth == CronSim.LAST else nth


def _pattern(sim: CronSim) -> Pattern:
    marks = {CronSim.LAST: -1, CronSim.LAST_WEEKDAY: Pattern.LAST_WORKDAY}
    return Pattern(
        minutes=frozenset(sim.minutes),
        hours=frozenset(sim.hours),
        days=frozenset(marks.get(day, day) for day in sim.days),
        months=frozenset(sim.months),
        weekdays=frozenset(map(_weekday, sim.weekdays)),
        either_day=not sim.day_and,
    )
