"""`dogwatch doctor`: find faults, say what to do about each."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from dogwatch import directory
from dogwatch.cli.client import connect, server_of
from dogwatch.cli.flags import given, server_flags
from dogwatch.cli.output import as_json
from dogwatch.cli.pings import outbox_of
from dogwatch.cli.session import Session, command
from dogwatch.core.plain import counted
from dogwatch.core.problems import Problem

_LOOKED_AT = 10_000


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check: `advice` says what to do when it is not good."""

    check: str
    good: bool
    told: str
    advice: str = ""


def _settings(session: Session) -> Iterator[Finding]:
    try:
        config = given(session, session.settings)
    except Problem as problem:
        yield Finding("settings", False, problem.message, "correct them; see dogwatch config")
        return
    yield Finding("settings", True, "valid")
    for warning in config.warnings:
        yield Finding("settings", False, warning, "correct or unset it; see dogwatch config")


def _files(session: Session) -> Iterator[Finding]:
    data = session.data_dir
    absent = f"{data} is not there yet; dogwatch up makes it"
    yield Finding("data", True, str(data) if data.is_dir() else absent)
    if directory.open_to_others(data):
        yield Finding("data", False, "others can write to it", f"chmod go-w {data}")
    for name in ("cli.key", "secret.key", "ping.url"):
        path = data / name
        if path.is_file():
            private = path.stat().st_mode & 0o077 == 0
            told = "only its owner can read it" if private else "others can read it"
            yield Finding(name, private, told, f"chmod 600 {path}")


# The checks of `boot.checkup`, by name, each with what to do where it finds a fault.
_BY_SETTINGS: Mapping[str, str] = {
    "database": "restore a backup, or bring it back",
    "key": "copy secret.key from the first node, or set DOGWATCH_SECRET_KEY",
    "wall": "give Dogwatch a role of its own, and no pooler; see PostgreSQL in docs/running.md",
    "mail": "start it, or correct DOGWATCH_SMTP_URL",
    "scripts": "install bubblewrap and allow user namespaces, or set DOGWATCH_SANDBOX",
    "user": "run Dogwatch as a user of its own, or with --scripts off",
    "locations": "start one there: dogwatch worker --location NAME, or edit the probes",
    "outside": "start the server, or correct DOGWATCH_OUTSIDE_HEARTBEAT_URL",
}
_IN_DATABASE = ("key", "wall", "locations", "outside")


def _by_settings(session: Session) -> Iterator[Finding]:
    """Ask by the settings, if these are valid."""
    from dogwatch.boot import checkup  # slow to import, and who only asks for help needs none

    try:
        config = given(session, session.settings)
    except Problem:
        return  # told already
    faulty = set()
    for check, advice in _BY_SETTINGS.items():
        if check in _IN_DATABASE and "database" in faulty:
            continue  # told already
        try:
            yield Finding(check, True, getattr(checkup, check)(config))
        except Problem as problem:
            faulty.add(check)
            yield Finding(check, False, problem.message, advice)


def _zones(_session: Session) -> Iterator[Finding]:
    try:
        ZoneInfo("Europe/Berlin")
        yield Finding("zones", True, "time zone data found")
    except ZoneInfoNotFoundError:
        yield Finding("zones", False, "no time zone data", "pip install tzdata")


def _spool(session: Session) -> Iterator[Finding]:
    kept = len(outbox_of(session).waiting())
    yield Finding("spool", not kept, f"{counted(kept, 'ping')} to be sent", "dogwatch ping --flush")


def _server(session: Session) -> Iterator[Finding]:
    try:
        connect(session).get("/workspace")
        yield Finding("server", True, f"{server_of(session)} answers")
    except Problem as problem:
        advice = "start it: dogwatch up" if problem.kind == "away" else "see DOGWATCH_KEY, --server"
        yield Finding("server", False, problem.message, advice)


def _schedules(session: Session) -> Iterator[Finding]:
    """Name watches whose schedule cannot be followed any more, such as in a zone that is gone."""
    try:
        watches = connect(session).pages("/watches", _LOOKED_AT)
    except Problem:
        return  # told already
    for watch in watches:
        if fault := watch.get("schedule_fault"):
            slug = watch["slug"]
            yield Finding("schedule", False, f"{slug}: {fault}", f"dogwatch edit {slug}")


CHECKS: list[Callable[[Session], Iterator[Finding]]] = [
    _settings,
    _files,
    _by_settings,
    _zones,
    _spool,
    _server,
    _schedules,
]


@command("doctor", "dogwatch doctor\ndogwatch doctor --json\ndogwatch doctor --data /srv/dogwatch")
@server_flags
def doctor_command(session: Session, **settings: Any) -> None:
    """Find faults of settings, files, database, mail, scripts, time zones and the server.

    It goes by the settings that are given here: give those that the server was started with.
    """
    session.settings = settings
    findings = [finding for check in CHECKS for finding in check(session)]
    if session.json:
        as_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            _tell(finding)
    if not all(finding.good for finding in findings):
        raise click.exceptions.Exit(1)


def _tell(finding: Finding) -> None:
    click.echo(f"{'✓' if finding.good else '✕'} {finding.check}: {finding.told}")
    if not finding.good:
        click.echo(f"    do: {finding.advice}")
