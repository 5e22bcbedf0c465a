"""A calendar line in words. It describes the sets of values, so what it says is what runs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product
from typing import ClassVar

MINUTES, HOURS = frozenset(range(60)), frozenset(range(24))
DAYS, MONTHS = frozenset(range(1, 32)), frozenset(range(1, 13))
ZERO = frozenset({0})
WEEK = frozenset(range(1, 8))
WORKDAYS = frozenset(range(1, 6))
WEEKDAY_NAMES = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
MONTH_NAMES = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
TIMES_LISTED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """The values a line matches.

    `days`: 1 to 31, -1 the last, -2 the last but one, ..., or LAST_WORKDAY. `weekdays`: pairs of
    ISO weekday and nth in the month (0 every, -1 last). `either_day`: a day of the month *or* a
    weekday is enough. `years`: None for all.
    """

    LAST_WORKDAY: ClassVar[int] = -100

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[tuple[int, int]]
    seconds: frozenset[int] = ZERO
    years: frozenset[int] | None = None
    either_day: bool = False


def phrase(pattern: Pattern) -> str:
    """Return e.g. "At 02:00 every weekday"."""
    clock, periodic = _clock(pattern)
    date = " ".join(filter(None, (_date(pattern), _year(pattern))))
    if not periodic:
        return f"{clock} {date}"
    date = date.removeprefix("every day").strip()
    return f"{clock}, {date}" if date else clock


def _clock(pattern: Pattern) -> tuple[str, bool]:
    """Return the words for the time of day, and whether they say "every" already."""
    if len(pattern.hours) * len(pattern.minutes) * len(pattern.seconds) <= TIMES_LISTED:
        return "At " + _and(_times(pattern)), False
    if pattern.seconds != ZERO:
        return _with_seconds(pattern), True
    return _periodic(pattern.minutes, pattern.hours), True


def _times(pattern: Pattern) -> list[str]:
    times = product(sorted(pattern.hours), sorted(pattern.minutes), sorted(pattern.seconds))
    if pattern.seconds == ZERO:
        return [f"{hour:02}:{minute:02}" for hour, minute, _ in times]
    return [f"{hour:02}:{minute:02}:{second:02}" for hour, minute, second in times]


def _periodic(minutes: frozenset[int], hours: frozenset[int]) -> str:
    if minutes == ZERO and (step := _step(hours, 24)):
        return _every(step, "hour")
    start = f"Every hour at minute {min(minutes)}" if len(minutes) == 1 else ""
    if step := _step(minutes, 60):
        start = _every(step, "minute")
    start = start or f"At {_numbers('minute', minutes)} of every hour"
    if hours == HOURS:
        return start
    return f"{start}, in {_numbers('hour', hours)}"


def _with_seconds(pattern: Pattern) -> str:
    step = _step(pattern.seconds, 60)
    words = _every(step, "second") if step else f"At {_numbers('second', pattern.seconds)}"
    if pattern.minutes != MINUTES:
        words += f", in {_numbers('minute', pattern.minutes)}"
    elif not step:
        words += " of every minute"
    return words if pattern.hours == HOURS else f"{words}, in {_numbers('hour', pattern.hours)}"


def _step(values: frozenset[int], size: int) -> int:
    """Return n if the values are exactly every nth of a whole circle, else 0."""
    step, rest = divmod(size, len(values))
    whole = len(values) > 1 and not rest and values == frozenset(range(0, size, step))
    return step if whole else 0


def _every(step: int, unit: str) -> str:
    return f"Every {unit}" if step == 1 else f"Every {step} {unit}s"


def _day(pattern: Pattern) -> str:
    any_day = pattern.days >= DAYS
    any_weekday = _plain(pattern.weekdays) == WEEK
    if (any_day and any_weekday) or (pattern.either_day and (any_day or any_weekday)):
        return "every day"
    if any_weekday:
        return "on " + _days(pattern.days)
    if any_day:
        return _weekdays(pattern.weekdays)
    if pattern.either_day:
        return f"on {_days(pattern.days)} and also {_weekdays(pattern.weekdays)}"
    return f"on {_days(pattern.days)} if that is {_or_weekdays(pattern.weekdays)}"


def _days(days: frozenset[int]) -> str:
    words = [_numbers("day", plain)] if (plain := days & DAYS) else []
    ends = sorted((day for day in days if -100 < day < 0), reverse=True)
    words += [f"the {_from_end(day)} day" for day in ends]
    if Pattern.LAST_WORKDAY in days:
        words.append("the last weekday")
    return f"{_and(words)} of the month"


def _from_end(day: int) -> str:
    return "last" if day == -1 else f"{_ordinal(-day)} last"


def _weekdays(weekdays: frozenset[tuple[int, int]]) -> str:
    plain, ranked = _plain(weekdays), _ranked(weekdays)
    if not plain:
        return "on " + _and(ranked)
    every = "weekday" if plain == WORKDAYS else _and(_names(plain))
    return _and([f"every {every}", *ranked])


def _or_weekdays(weekdays: frozenset[tuple[int, int]]) -> str:
    names = [f"a {name}" for name in _names(_plain(weekdays))]
    return " or ".join(names + _ranked(weekdays))


def _plain(weekdays: frozenset[tuple[int, int]]) -> frozenset[int]:
    return frozenset(day for day, nth in weekdays if nth == 0)


def _ranked(weekdays: frozenset[tuple[int, int]]) -> list[str]:
    return [
        f"the {'last' if nth == -1 else _ordinal(nth)} {WEEKDAY_NAMES[day - 1]} of the month"
        for day, nth in sorted(weekdays)
        if nth
    ]


def _names(days: frozenset[int]) -> list[str]:
    return [WEEKDAY_NAMES[day - 1] for day in sorted(days)]


def _is_date(pattern: Pattern) -> bool:
    one_day = len(pattern.days) == len(pattern.months) == 1 and pattern.days <= DAYS
    return one_day and not pattern.either_day and _plain(pattern.weekdays) == WEEK


def _date(pattern: Pattern) -> str:
    if not _is_date(pattern):
        return _day(pattern) + _month(pattern)
    return f"on {min(pattern.days)} {MONTH_NAMES[min(pattern.months) - 1]}"


def _month(pattern: Pattern) -> str:
    if pattern.months == MONTHS:
        return ""
    comma = "," if pattern.either_day else ""
    return f"{comma} in {_and(_runs(pattern.months, lambda month: MONTH_NAMES[month - 1]))}"


def _year(pattern: Pattern) -> str:
    return "" if pattern.years is None else "in " + _and(_runs(pattern.years, str))


def _ordinal(number: int) -> str:
    tens = number % 100 // 10
    return f"{number}{'th' if tens == 1 else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def _numbers(unit: str, values: frozenset[int]) -> str:
    """Return "minute 5" or "minutes 0, 5 to 7 and 9"."""
    return f"{unit}{'s' if len(values) > 1 else ''} {_and(_runs(values, str))}"


def _runs(values: Iterable[int], name: Callable[[int], str]) -> list[str]:
    """Name each value; three and more in a row become "a to b"."""
    runs: list[list[int]] = []
    for value in sorted(values):
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    words = []
    for run in runs:
        words += [f"{name(run[0])} to {name(run[-1])}"] if len(run) > 2 else list(map(name, run))
    return words


def _and(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
