"""When something is due: cron, intervals and systemd OnCalendar behind one `Schedule.after(t)`."""

from dogwatch.core.schedule.schedule import Schedule
from dogwatch.core.schedule.text import parse

__all__ = ["Schedule", "parse"]
