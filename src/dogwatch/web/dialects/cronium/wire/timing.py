"""When an event is due: by hand, by number and unit, or by a cron line of five or six fields."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from dogwatch.core.problems import invalid
from dogwatch.core.schedule.cron import is_cron
from dogwatch.core.schedule.interval import interval_s, is_interval
from dogwatch.core.schedule.seconds import without_seconds
from dogwatch.web.dialects.cronium.wire.fields import UNITS

MANUAL, SCHEDULE, WEBHOOK = "MANUAL", "SCHEDULE", "WEBHOOK"


@dataclass(frozen=True, slots=True)
class Timing:
    """What Cronium's fields say of a schedule; a cron line goes before number and unit."""

    trigger_type: str = MANUAL
    schedule_number: int = 1
    schedule_unit: str = "MINUTES"
    custom_schedule: str | None = None
    start_time: datetime | None = None
    timezone: str = "UTC"

    @property
    def line(self) -> str | None:
        """The schedule as we read it, None for none; Problem("invalid")."""
        if self.trigger_type != SCHEDULE:
            return None
        if self.custom_schedule is not None:
            return _cron(self.custom_schedule)
        return _every(self.schedule_number, self.schedule_unit, aligned=self.start_time is None)

    def said(self) -> dict[str, Any]:
        """Return what the dialect keeps of it; `line` says of which schedule."""
        return {
            "line": self.line,
            "number": self.schedule_number,
            "unit": self.schedule_unit,
            "custom": self.custom_schedule,
        }


def _cron(text: str) -> str:
    if not is_cron(text):
        raise invalid("schedule", "must be a cron expression of 5 or 6 fields")
    try:
        return without_seconds(text)
    except ValueError as error:
        raise invalid("schedule", str(error)) from None


def _every(number: int, unit: str, *, aligned: bool) -> str:
    """Return number and unit as a line; what divides the hour or the day keeps to the clock."""
    if aligned and unit == "MINUTES" and number < 60 and 60 % number == 0:
        return f"*/{number} * * * *" if number > 1 else "* * * * *"
    if aligned and unit == "HOURS" and number < 24 and 24 % number == 0:
        return f"0 */{number} * * *" if number > 1 else "0 * * * *"
    if aligned and unit == "DAYS" and number == 1:
        return "0 0 * * *"
    return f"every {number * UNITS[unit]}s"


def timing_of(
    line: str | None, timezone: str, starts_at: datetime | None, said: Mapping[str, Any]
) -> Timing:
    """Return the timing of a watch; what was said of another schedule than the present is void."""
    plain = Timing(SCHEDULE if line else MANUAL, start_time=starts_at, timezone=timezone)
    if said and said["line"] == line:
        return replace(
            plain,
            schedule_number=said["number"],
            schedule_unit=said["unit"],
            custom_schedule=said["custom"],
        )
    interval_s = _interval_s(line)
    if interval_s:
        number, unit = _largest(interval_s)
        return replace(plain, schedule_number=number, schedule_unit=unit)
    return replace(plain, custom_schedule=line)


def _interval_s(line: str | None) -> int | None:
    return interval_s(line) if line and is_interval(line) else None


def _largest(seconds: int) -> tuple[int, str]:
    """Return seconds in their largest whole unit."""
    name, unit = max(
        ((name, unit) for name, unit in UNITS.items() if seconds % unit == 0), key=lambda u: u[1]
    )
    return seconds // unit, name


def changed(before: Timing, changes: Mapping[str, Any]) -> Timing:
    """Return a timing with what was sent; who gives a number or a line means a schedule."""
    values = dict(changes)
    counted = {"schedule_number", "schedule_unit"} & values.keys()
    if counted and "custom_schedule" not in values:
        values["custom_schedule"] = None
    names_one = values.get("custom_schedule") or "schedule_number" in values
    if names_one and "trigger_type" not in values:
        values["trigger_type"] = SCHEDULE
    return replace(before, **values)
