"""When something is due: cron, intervals and systemd OnCalendar behind one `Schedule.after(t)`."""

from dogwatch.core.schedule.interval import shortest
from dogwatch.core.schedule.schedule import WITHIN, Schedule
from dogwatch.core.schedule.text import parse, parse_from

__all__ = ["WITHIN", "Schedule", "parse", "parse_from", "shortest"]
