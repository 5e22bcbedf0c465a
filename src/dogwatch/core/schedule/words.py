"""Schedules as people say them, such as "every weekday at 7", as lines of cron."""

import re

_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_NUMBERS = {name: str(number) for number, name in enumerate(_DAYS)}
_NUMBERS |= {name[:3]: number for name, number in _NUMBERS.items()}
_GROUPS = {"day": "*", "weekday": "1-5", "workday": "1-5", "weekend": "6,0"}
_TIME = r"(?P<hour>\d{1,2})(?:[:.](?P<minute>\d{2}))?\s*(?P<half>am|pm)?"
_SAID = re.compile(
    rf"(?:(?:every|each|on)\s+)?(?P<days>[a-z]+(?:(?:\s*,\s*|\s+and\s+)[a-z]+)*)"
    rf"(?:\s+at\s+(?:{_TIME}|(?P<word>midnight|noon)))?"
)
_BETWEEN = re.compile(r"\s*,\s*|\s+and\s+")
_ALONE = {
    "hourly": "0 * * * *", "every hour": "0 * * * *", "daily": "0 0 * * *",
    "nightly": "0 2 * * *", "every night": "0 2 * * *", "weekly": "0 0 * * 0",
    "monthly": "0 0 1 * *", "every month": "0 0 1 * *",
}  # fmt: skip


def cron_of(text: str) -> str:
    """Return the cron line of what is said; what is no such saying is returned as it is."""
    words = " ".join(text.lower().split())
    if words in _ALONE:
        return _ALONE[words]
    if words.startswith("daily at "):
        words = f"every day at {words[9:]}"
    said = _SAID.fullmatch(words)
    days = _days(said["days"]) if said else None
    time = _time(said) if said and " at " in words else None
    return f"{time[1]} {time[0]} * * {days}" if days and time else text


def _days(text: str) -> str | None:
    parts = _BETWEEN.split(text)
    if len(parts) == 1 and (group := _GROUPS.get(parts[0].removesuffix("s"))):
        return group
    numbers = [_NUMBERS.get(part.removesuffix("s")) for part in parts]
    return ",".join(filter(None, numbers)) if all(numbers) else None


def _time(said: re.Match[str]) -> tuple[int, int] | None:
    """Return hour and minute, None for a time that no clock shows."""
    if said["word"]:
        return (12 if said["word"] == "noon" else 0), 0
    hour, minute = int(said["hour"]), int(said["minute"] or 0)
    if said["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if said["half"] == "pm" else 0)
    return (hour, minute) if hour < 24 and minute < 60 else None
