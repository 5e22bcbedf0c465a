"""The load calendar: a row for each day, a field for each hour, the darker the more begins."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta, tzinfo

from markupsafe import Markup

from dogwatch.usecases.load import Load

WIDE, HIGH, LABEL, HEAD = 36, 30, 92, 22
_PICTURE = Markup('<svg class="load" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
_HOUR = Markup('<text class="axis" x="{}" y="14">{:02}</text>')
_DAY = Markup('<text class="day" x="0" y="{}">{:%a %d %b}</text>')
_CELL = Markup(
    '<g><title>{}</title><rect class="{}" x="{}" y="{}" width="{}" height="{}"'
    ' fill-opacity="{:.2f}"/>{}</g>'
)
_COUNT = Markup('<text x="{}" y="{}"{}>{}</text>')
Days = Mapping[date, Sequence[float | None]]


def days_of(load: Load, zone: tzinfo) -> Days:
    """Return the hours of each day by the clock of a zone; None lies outside."""
    days: dict[date, list[float | None]] = {}
    for number, count in enumerate(load.counts):
        at = (load.begin_at + timedelta(hours=number)).astimezone(zone)
        hours = days.setdefault(at.date(), [None] * 24)
        hours[at.hour] = (hours[at.hour] or 0.0) + count
    return days


def drawn(days: Days) -> Markup:
    """Return the picture."""
    counts = sorted(count for hours in days.values() for count in hours if count is not None)
    # What begins all day long is the ground, so that what is crowded can be told from it; one part
    # in a hundred is no crowd.
    least, most = counts[len(counts) // 20], counts[-1]
    span = max(most - least, most / 100)
    shapes = [_HOUR.format(LABEL + WIDE * hour + WIDE // 2, hour) for hour in range(24)]
    for row, (day, hours) in enumerate(days.items()):
        y = HEAD + row * HIGH
        shapes.append(_DAY.format(y + 20, day))
        shapes += [
            _cell(day, hour, count, y, (count - least) / span if span else 0.0)
            for hour, count in enumerate(hours)
            if count is not None
        ]
    size = LABEL + 24 * WIDE, HEAD + len(days) * HIGH
    return _PICTURE.format(*size, said(days), Markup("").join(shapes))


def _cell(day: date, hour: int, count: float, y: int, share: float) -> Markup:
    x, share = LABEL + hour * WIDE, max(share, 0.0)
    told = f"{day:%a %d %b} {hour:02}:00: {number(count)}"
    # No field is of a shade between, on which letters of neither colour can be read.
    strong = share > 0.5
    dark = Markup(' class="on"') if strong else Markup("")
    text = _COUNT.format(x + WIDE // 2, y + 19, dark, number(count)) if count else Markup("")
    kind = "some" if count else "none"
    opacity = 1.0 if not count else 0.8 + 0.2 * share if strong else 0.12 + 0.48 * share
    return _CELL.format(told, kind, x + 1, y + 1, WIDE - 2, HIGH - 2, opacity, text)


def number(count: float) -> str:
    """Return a count in at most four letters."""
    if count >= 10_000:
        return f"{count / 1000:.0f}k"
    return f"{count:.0f}" if count >= 1 or not count else "<1"


def said(days: Days) -> str:
    """Return the picture in words."""
    total = sum(count for hours in days.values() for count in hours if count)
    if not total:
        return "Nothing begins by the clock in the next 7 days"
    most, day, hour = max(
        (count, -day.toordinal(), -hour)
        for day, hours in days.items()
        for hour, count in enumerate(hours)
        if count
    )
    when = date.fromordinal(-day)
    return (
        f"{number(total)} runs begin in the next 7 days;"
        f" most at once on {when:%a %d %b} from {-hour:02}:00: {number(most)}"
    )
