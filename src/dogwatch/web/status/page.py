"""A status page as people see it: no script, nothing from elsewhere, nobody's brand."""

from collections.abc import Sequence
from datetime import UTC, datetime

from markupsafe import Markup

from dogwatch.core.plain import span
from dogwatch.core.uptime import Day
from dogwatch.core.watch import Status
from dogwatch.usecases.status_view import View, Works
from dogwatch.web.page import templates

HEADLINES = {
    "operational": "All systems operational",
    "maintenance": "Maintenance under way",
    "degraded": "Some systems are impaired",
    "down": "Some systems are down",
}
WORDS = {
    "operational": "Operational",
    "maintenance": "Maintenance",
    "degraded": "Degraded",
    "down": "Down",
    "unknown": "No data",
}
# Shape is a second cue beside colour, and so is the height of a bar.
SHAPES = {"operational": "●", "maintenance": "◆", "degraded": "▲", "down": "■", "unknown": "○"}
_HIGH, _WIDE, _STEP = 32, 4, 5
_HEIGHTS = {None: 6, Status.UP: 18, Status.DEGRADED: 25, Status.DOWN: _HIGH}
_DAYS = {None: "no data", Status.UP: "up", Status.DEGRADED: "degraded", Status.DOWN: "down"}

_TEMPLATES = templates(__name__.rpartition(".")[0])


def drawn(view: View, url: str, style: str) -> str:
    """Return the page; `style` is the address of its style sheet below the root."""
    now = [one for one in view.works if _on(one, view)]
    open_posts = [one for one in view.posts if one.resolved_at is None]
    return _TEMPLATES.get_template("status.html").render(
        view=view, page=view.page, style=style, url=url, headline=HEADLINES[view.state],
        words=WORDS, shapes=SHAPES, open=open_posts, now=now,
        to_come=[one for one in view.works if not _on(one, view)],
        past=[one for one in view.posts if one.resolved_at is not None],
    )  # fmt: skip


def _on(works: Works, view: View) -> bool:
    return works.start_at <= view.at


_PICTURE = Markup(
    '<svg class="days" viewBox="0 0 {} {}" role="img" aria-label="{}" preserveAspectRatio="none">'
    "{}</svg>"
)
_BARS = Markup('<path class="{}" d="{}"/>')
_BAR = Markup('<path class="{}" d="{}"><title>{}</title></path>')


def bars(days: Sequence[Day]) -> Markup:
    """Return the bars of days, oldest first; those that were not well say why where they stand."""
    plain: dict[Status | None, list[str]] = {}
    told = []
    for place, day in enumerate(days):
        high = _HEIGHTS[day.status]
        shape = f"M{place * _STEP} {_HIGH - high}h{_WIDE}v{high}h-{_WIDE}z"
        if day.status in (None, Status.UP):
            plain.setdefault(day.status, []).append(shape)
        else:
            told.append(_BAR.format(_class(day.status), shape, said(day)))
    drawn = [_BARS.format(_class(status), "".join(some)) for status, some in plain.items()]
    return _PICTURE.format(
        len(days) * _STEP - 1, _HIGH, summary(days), Markup("").join([*drawn, *told])
    )


def summary(days: Sequence[Day]) -> str:
    """Return the bars in words."""
    bad = troubled(days)
    if not any(day.status for day in days):
        return f"The last {len(days)} days: no data"
    if not bad:
        return f"The last {len(days)} days: no trouble"
    return f"The last {len(days)} days: trouble on {len(bad)} of them"


def troubled(days: Sequence[Day]) -> list[Day]:
    """Return the days on which something was wrong."""
    return [day for day in days if day.status in (Status.DOWN, Status.DEGRADED)]


def said(day: Day) -> str:
    """Return a day in words."""
    down = f" for {span(round(day.down_s))}" if day.down_s else ""
    return f"{day.date:%d %B %Y}: {_DAYS[day.status]}{down}"


def _class(status: Status | None) -> str:
    return str(status) if status else "none"


def _moment(at: datetime) -> Markup:
    at = at.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(
        at.isoformat(timespec="seconds"), f"{at:%d %B %Y, %H:%M}"
    )


_TEMPLATES.filters |= {"bars": bars, "moment": _moment, "said": said, "troubled": troubled}
