"""A crontab that is pasted: its lines found, named, ticked, and watched."""

import re
from dataclasses import dataclass, replace

from fastapi import Response

from dogwatch.core.crontab import Crontab, Entry, Known, guessed, parse, suggest_name
from dogwatch.core.problems import Problem, invalid
from dogwatch.core.schedule import parse as schedule_of
from dogwatch.core.spec import WatchSpec
from dogwatch.core.windows import check_zone
from dogwatch.usecases import watches
from dogwatch.usecases.callers import require
from dogwatch.usecases.door import Tx
from dogwatch.usecases.lists import Record
from dogwatch.web.dashboard.pages import rendered
from dogwatch.web.dashboard.visit import Visit
from dogwatch.web.dashboard.ways import CURL

_SAID = re.compile(r"((?:[^%\\]|\\.)*\\?)(%.*|)", re.DOTALL)
MOST_LINES, MOST_TEXT = 60, 40_000
# How the lines are read; by default as they tell themselves.
FORMATS = (
    ("", "As its lines tell"),
    ("user", "A user's, as of crontab -l"),
    ("system", "A system's, with a user before each command"),
)


@dataclass(frozen=True, slots=True)
class Found:
    """A line: what it may be called, and in words when it is due; or why it cannot be watched."""

    entry: Entry
    name: str
    words: str
    fault: str = ""


async def show(visit: Visit) -> Response:
    """Show where to paste it, and what was found in it."""
    require(visit.caller, "watches.make")
    text = visit.form.get("crontab", "")
    zone = visit.form.get("timezone") or visit.zone_name
    found, bad = list[Found](), list[str]()
    try:
        found, bad = _read(visit, text, zone) if text else (found, bad)
    except Problem as problem:
        visit = replace(visit, problem=problem)
    return rendered(
        visit, "crontab.html", found=found, bad=bad, text=text, zone=zone, made=(),
        formats=FORMATS, format=visit.form.get("format", ""),
    )  # fmt: skip


async def take(visit: Visit) -> Response:
    """Watch the lines that are ticked; without a tick, only look."""
    text, zone = visit.form.get("crontab", ""), visit.form.get("timezone") or visit.zone_name
    check_zone(zone, "timezone")
    if "watch" not in visit.form:
        return await show(visit)
    found, _ = _read(visit, text, zone)
    ticked = [one for one in found if not one.fault and f"line_{one.entry.line}" in visit.form]
    if not ticked:
        raise invalid("form", "tick one line at least")

    def made(tx: Tx) -> list[tuple[Found, Record]]:
        return [(one, _made(tx, visit, one, zone)) for one in ticked]

    done = await visit.carry_out("watches.make", "crontab", made)
    base = f"{visit.services.base_url.rstrip('/')}/ping/"
    lines = [
        (record, told(text.splitlines()[one.entry.line - 1], base + record.ping_key))
        for one, record in done
    ]
    return rendered(
        visit,
        "crontab.html",
        found=(),
        bad=(),
        text="",
        zone=zone,
        made=lines,
        formats=(),
        format="",
    )


def told(line: str, url: str) -> str:
    """Return a line that tells its exit status; what it reads stays behind the first `%`."""
    command, said = _SAID.fullmatch(line.strip()).groups()  # type: ignore[union-attr]  # any line is like that
    return f"{command.rstrip()}; {CURL} {url}/$?{said}"


def _made(tx: Tx, visit: Visit, one: Found, zone: str) -> Record:
    spec = WatchSpec(
        name=one.name,
        schedule=one.entry.schedule,
        timezone=one.entry.timezone or zone,
        description=one.entry.description,
        tags=("crontab",),
    )
    return watches.add(tx, visit.workspace_id, spec, visit.at)


def _read(visit: Visit, text: str, zone: str) -> tuple[list[Found], list[str]]:
    """Return the entries, and in words what cannot be read."""
    if len(text) > MOST_TEXT:
        raise invalid("crontab", f"give at most {MOST_TEXT} letters at once")
    crontab = _parsed(text.replace("\r\n", "\n"), visit.form.get("format", ""))
    bad = [f"line {one.line}: {one.message}" for one in crontab.problems]
    found = [_found(visit, entry, zone) for entry in crontab.entries[:MOST_LINES]]
    if len(crontab.entries) > MOST_LINES:
        bad.append(f"only the first {MOST_LINES} lines are shown")
    return found, bad


def _parsed(text: str, chosen: str) -> Crontab:
    """Return a crontab; raise invalid where neither choice nor lines tell its format.

    The host is not asked who its users are: that is nobody's business here.
    """
    if chosen:
        return parse(text, system=chosen == "system")
    found = guessed(text, Known())
    if isinstance(found, Entry):
        raise invalid("format", f"{found.user!r} in line {found.line} looks like a user: choose")
    return found


def _found(visit: Visit, entry: Entry, zone: str) -> Found:
    name = visit.form.get(f"name_{entry.line}", "").strip() or suggest_name(entry)
    try:
        return Found(entry, name, schedule_of(entry.schedule, entry.timezone or zone).english())
    except Problem as problem:
        fault = next(iter(problem.fields.values()), problem.message)
        return Found(entry, name, entry.schedule, fault)
