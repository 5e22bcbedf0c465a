"""The maintenance of a status page as a calendar (RFC 5545)."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime

from dogwatch.usecases.status_view import View, Works

_FOLD = 75


def written(view: View, url: str) -> str:
    """Return the document, its lines folded and ended as the RFC wants them."""
    lines = [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//status page//maintenance//EN",
        f"NAME:{_text(view.page.title)}", f"X-WR-CALNAME:{_text(view.page.title)}",
        f"SOURCE;VALUE=URI:{url}.ics", "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        *(line for works in view.works for line in _event(view, works, url)), "END:VCALENDAR",
    ]  # fmt: skip
    return "".join(f"{part}\r\n" for line in lines for part in _folded(line))


def _event(view: View, works: Works, url: str) -> Iterator[str]:
    names = ", ".join(works.names)
    same = f"{view.page.id}/{works.start_at.isoformat()}/{names}"
    yield from (
        "BEGIN:VEVENT",
        f"UID:{hashlib.sha256(same.encode()).hexdigest()[:32]}",
        f"DTSTAMP:{_time(view.page.updated_at)}",
        f"DTSTART:{_time(works.start_at)}",
        f"DTEND:{_time(works.end_at)}",
        f"SUMMARY:{_text(f'Maintenance: {names}')}",
        f"URL:{url}",
        "END:VEVENT",
    )


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(words: str) -> str:
    escaped = words.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return escaped.replace("\n", "\\n")


def _folded(line: str) -> Iterator[str]:
    """Yield a line in parts of 75 bytes, cut between characters; the later ones begin with one
    blank."""
    part = ""
    for letter in line:
        if len((part + letter).encode()) > _FOLD:
            yield part
            part = " "
        part += letter
    yield part
