"""Cron lines of six fields, of which the first are the seconds, as lines that `parse` reads."""

from collections.abc import Collection
from zoneinfo import ZoneInfo

from cronsim import CronSimError
from cronsim.cronsim import Field

from dogwatch.core.schedule.cron import compile_cron
from dogwatch.core.schedule.english import DAYS, HOURS, MINUTES, MONTHS, WEEKDAY_NAMES, Pattern

_FIELDS = 6
_UTC = ZoneInfo("UTC")
_EVERY_DAY = frozenset((day, 0) for day in range(1, 8))


def without_seconds(line: str) -> str:
    """Return a line of six fields as one of five if it is due at second 0, else as OnCalendar.

    Other lines are returned as they are; ValueError says what is wrong.
    """
    parts = line.split()
    if len(parts) != _FIELDS:
        return line
    rest = " ".join(parts[1:])
    seconds = _seconds(parts[0])
    if seconds == {0}:
        return rest
    return "\n".join(_lines(compile_cron(rest, _UTC).pattern, seconds))


def _seconds(part: str) -> set[int]:
    try:
        return {int(second) for second in Field.MINUTE.parse(part) if isinstance(second, int)}
    except CronSimError:
        raise ValueError(f"second {part[:40]!r} is not valid (0-59)") from None


def _lines(pattern: Pattern, seconds: Collection[int]) -> list[str]:
    """Return one line or, where a day of the month or of the week is enough, one of each."""
    if min(pattern.days) < 0 or any(nth for _, nth in pattern.weekdays):
        raise ValueError("L, W and # go with second 0 only")
    clock = ":".join(
        (_terms(pattern.hours, HOURS), _terms(pattern.minutes, MINUTES), _terms(seconds, MINUTES))
    )
    months, days = _terms(pattern.months, MONTHS), _terms(pattern.days, DAYS)
    names = [WEEKDAY_NAMES[day - 1][:3] for day, _ in sorted(pattern.weekdays)]
    weekdays = "" if pattern.weekdays == _EVERY_DAY else ",".join(names) + " "
    if pattern.either_day and weekdays and days != "*":
        return [f"*-{months}-{days} {clock}", f"{weekdays}*-{months}-* {clock}"]
    return [f"{weekdays}*-{months}-{days} {clock}"]


def _terms(values: Collection[int], every: Collection[int]) -> str:
    """Return values as a field of OnCalendar: `*`, `first/step` or a list."""
    if set(values) == set(every):
        return "*"
    found = sorted(values)
    step = found[1] - found[0] if len(found) > 2 else 0
    if step and found == list(range(found[0], max(every) + 1, step)):
        return f"{found[0]}/{step}"
    return ",".join(map(str, found))
