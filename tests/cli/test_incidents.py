"""incident, ack, why, maintenance, depend and the timing of rules against recorded answers."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.cli.stub import Here, Stub

INCIDENT: dict[str, Any] = {
    "id": "i1", "number": 7, "trouble": "Backup is down", "state": "open", "project": None,
    "count": 3, "going_on": 2,
    "opened_at": "2026-11-20T02:00:00Z", "acked_at": None, "acked_by": None,
    "snoozed_until_at": None, "closed_at": None, "closed_by": None,
}  # fmt: skip
STEP = {
    "at": "2026-11-20T02:00:00Z", "kind": "down", "text": "went down", "watch": "backup",
    "delivery_id": None,
}  # fmt: skip
CHANNELS = [{"id": "c1", "name": "Team"}, {"id": "c2", "name": "Chief"}]
RULE: dict[str, Any] = {
    "id": "r1", "channel_id": "c1", "events": ["down"], "delay_s": 300, "repeat_s": 600,
    "quiet": {"start": "22:00", "end": "07:00", "timezone": "UTC"},
    "digest": {"time": "08:00", "timezone": "UTC"}, "scope": {"kind": "all", "values": []},
    "escalations": [{"channel_id": "c2", "after_s": 900}],
}  # fmt: skip
WINDOW: dict[str, Any] = {
    "id": "m1", "name": "Night", "scope": {"kind": "tags", "values": ["db"]},
    "window": {"kind": "cron", "cron": "0 3 * * *", "duration_s": 60}, "open_until_at": None,
}  # fmt: skip


def page(*items: Any) -> tuple[int, Any]:
    return 200, {"data": items, "next_cursor": None}


@pytest.fixture
def trouble(stub: Stub) -> Stub:
    """The stub with one of each."""
    acked = {**INCIDENT, "state": "acknowledged", "acked_by": "Ana"}
    parents = {"parents": [{"id": "w2", "slug": "router", "name": "Router", "status": "up"}]}
    stub.replies |= {
        "GET /api/v1/incidents": page(INCIDENT),
        "GET /api/v1/incidents/7": (200, {**INCIDENT, "watches": ["backup"], "ladder": [STEP]}),
        "POST /api/v1/incidents/7/acknowledge": (200, acked),
        "POST /api/v1/incidents/7/snooze": (200, INCIDENT),
        "POST /api/v1/incidents/7/close": (200, {**INCIDENT, "state": "closed"}),
        "GET /api/v1/watches/backup/why": (200, {"sentence": "It is down.", "incident": 7}),
        "GET /api/v1/watches/router/why": (200, {"sentence": "It is up.", "incident": None}),
        "GET /api/v1/watches/backup/parents": (200, {"parents": []}),
        "PUT /api/v1/watches/backup/parents": (200, parents),
        "GET /api/v1/maintenance": page(WINDOW),
        "POST /api/v1/maintenance": (201, WINDOW),
        "DELETE /api/v1/maintenance/m1": (204, ""),
        "GET /api/v1/channels": page(*CHANNELS),
        "GET /api/v1/rules": page(RULE),
        "POST /api/v1/rules": (201, RULE),
        "PATCH /api/v1/rules/r1": (200, RULE),
        "GET /api/v1/maintenance/m1": (200, WINDOW),
        "PATCH /api/v1/maintenance/m1": (200, WINDOW),
    }
    return stub


def sent(stub: Stub) -> Any:
    return json.loads([request.body for request in stub.requests if request.body][-1])


def test_incidents_are_listed_and_shown(here: Here, trouble: Stub) -> None:
    _, row = here("incident", "ls", "--state", "open").stdout.splitlines()
    assert row.split()[:5] == ["7", "open", "Backup", "is", "down"]
    assert trouble.requests[-1].query["state"] == "open"
    shown = here("incident", "show", "7").stdout
    assert "3, of which 2 are down" in shown
    assert "backup  down  went down" in shown
    assert here.json("incident", "show", "7")["ladder"] == [STEP]
    assert here.json("incident", "ls") == [INCIDENT]


@pytest.mark.parametrize(
    ("state", "until", "shown"),
    [("open", 9999, True), ("open", 2000, False), ("acknowledged", 9999, False),
     ("closed", 9999, False)],
)  # fmt: skip
def test_a_snooze_is_shown_while_it_lasts(
    here: Here, stub: Stub, state: str, until: int, *, shown: bool
) -> None:
    snoozed = {"state": state, "snoozed_until_at": f"{until}-01-01T12:00:00Z", "going_on": 1}
    stub.replies["GET /api/v1/incidents/7"] = 200, {**INCIDENT, **snoozed, "ladder": []}
    told = here("incident", "show", "7").stdout
    assert ("snoozed until" in told, "3, of which 1 is down" in told) == (shown, True)


@pytest.mark.parametrize("words", [("ack", "7"), ("incident", "ack", "7")])
def test_an_incident_is_acknowledged(here: Here, trouble: Stub, words: tuple[str, ...]) -> None:
    assert "acknowledged by  Ana" in here(*words).stdout
    assert trouble.requests[-1].path == "/api/v1/incidents/7/acknowledge"


def test_an_incident_is_snoozed_and_closed(here: Here, trouble: Stub) -> None:
    assert here("incident", "snooze", "7", "2h").returncode == 0
    assert sent(trouble) == {"for_s": 7200}
    assert here("incident", "snooze", "7", "soon").returncode == 2
    assert here.json("incident", "close", "7")["state"] == "closed"


def test_why(here: Here, trouble: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    assert here("why", "backup").stdout == "It is down.\n"
    assert here.json("why", "backup") == {"sentence": "It is down.", "incident": 7}
    told = "It is down since 2026-11-20 02:00:00 UTC."
    trouble.replies["GET /api/v1/watches/backup/why"] = (200, {"sentence": told, "incident": 7})
    monkeypatch.setenv("TZ", "Europe/Warsaw")
    assert here("why", "backup").stdout == "It is down since 2026-11-20 03:00:00 Europe/Warsaw.\n"


def test_dependencies(here: Here, trouble: Stub) -> None:
    assert here("depend", "backup").stdout == "backup depends on nothing\n"
    assert here("depend", "backup", "--on", "router").stdout == "backup depends on router\n"
    assert sent(trouble) == {"parents": ["router"]}
    assert here("depend", "backup", "--none").returncode == 0
    assert sent(trouble) == {"parents": []}
    assert here("depend", "backup", "--none", "--on", "x").returncode == 2


WINDOWS: list[tuple[tuple[str, ...], dict[str, Any]]] = [
    (
        ("--from", "2036-01-05T22:00:00Z", "--until", "2036-01-06T02:00:00Z"),
        {"kind": "once", "start_at": "2036-01-05T22:00:00Z", "end_at": "2036-01-06T02:00:00Z"},
    ),
    (
        ("--from", "2036-01-05T22:00:00Z", "--for", "4h"),
        {"kind": "once", "start_at": "2036-01-05T22:00:00Z",
         "end_at": "2036-01-06T02:00:00+00:00"},
    ),
    (
        ("--day", "sat", "--at", "22:00", "--for", "2h", "--tz", "Europe/Warsaw"),
        {"kind": "weekly", "days": ["sat"], "start": "22:00", "duration_s": 7200,
         "timezone": "Europe/Warsaw"},
    ),
    (
        ("--cron", "0 3 * * *", "--for", "60", "--tz", "UTC"),
        {"kind": "cron", "cron": "0 3 * * *", "duration_s": 60, "timezone": "UTC"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("words", "window"), WINDOWS)
def test_windows_are_made(
    here: Here, trouble: Stub, words: tuple[str, ...], window: dict[str, Any]
) -> None:
    done = here("maintenance", "add", "Night", "--tag", "db", *words)
    assert done.stdout == "Night is window m1: tags db, by cron 0 3 * * * (UTC), for 1 min\n"
    scope = {"kind": "tags", "values": ["db"]}
    assert sent(trouble) == {"name": "Night", "scope": scope, "window": window}


def test_a_window_begins_now_unless_told(here: Here, trouble: Stub) -> None:
    asked_at = datetime.now(UTC).replace(microsecond=0)
    assert here("maintenance", "add", "Disk", "--for", "2h").returncode == 0
    window = sent(trouble)["window"]
    start_at, end_at = (datetime.fromisoformat(window[name]) for name in ("start_at", "end_at"))
    assert asked_at <= start_at <= datetime.now(UTC)
    assert end_at - start_at == timedelta(hours=2)
    both = here("maintenance", "add", "Disk", "--for", "2h", "--until", "2036-01-05T22:00:00Z")
    assert "--until or --for" in both.stderr
    once = {"kind": "once", "start_at": "2036-01-05T22:00:00Z", "end_at": "2036-01-05T23:00:00Z"}
    trouble.replies["GET /api/v1/maintenance"] = page({**WINDOW, "window": once})
    assert here("maintenance", "edit", "m1", "--for", "3h").returncode == 0
    assert sent(trouble)["window"] == once | {"end_at": "2036-01-06T01:00:00+00:00"}


def test_what_is_wrong_with_a_window_is_told_in_words_of_the_command_line(
    here: Here, trouble: Stub
) -> None:
    typed = here("maintenance", "add", "Night", "--from", "tomorrow", "--until", "x")
    assert "'--from': 'tomorrow' is not a time such as 2036-01-05T22:00:00Z" in typed.stderr
    for words, told in (
        (("--at", "22:00", "--for", "2h"), "--at: not of this kind of window"),
        (("--day", "sat", "--from", "2036-01-05T22:00:00Z"), "--from: not of this kind"),
        (("--day", "sat", "--cron", "0 3 * * *"), "--cron: not of this kind of window"),
        (("--tz", "Mars/Olympus", "--for", "3h"), "--tz: not of this kind of window"),
        ((), "Say how long: --for 2h, or --until TIME"),
        (("--from", "9999-12-31T00:00:00Z", "--for", "5d"), "--for: too long"),
    ):
        done = here("maintenance", "add", "Night", *words)
        assert (done.returncode, told in done.stderr) == (2, True), done.stderr
    once = {"kind": "once", "start_at": "2036-01-05T23:00:00Z", "end_at": "2036-01-06T23:00:00Z"}
    trouble.replies["GET /api/v1/maintenance/m1"] = (200, {**WINDOW, "window": once})
    trouble.replies["GET /api/v1/maintenance"] = page({**WINDOW, "window": once})
    told = "window.end_at: must be after start_at; window.cron: is nothing"
    trouble.replies["PATCH /api/v1/maintenance/m1"] = (422, {"detail": told})
    done = here("maintenance", "edit", "Night", "--until", "2036-01-05T22:00:00Z")
    assert done.stderr == "dogwatch: --until: must be after --from; --cron: is nothing\n"
    assert here("maintenance", "edit", "Night", "--at", "25:00").returncode == 2


def test_windows_are_listed_and_removed(here: Here, trouble: Stub) -> None:
    one = {**WINDOW, "scope": {"kind": "watches", "values": ["w9"]}}
    trouble.replies["POST /api/v1/maintenance"] = (201, one)
    trouble.replies["GET /api/v1/watches/w9"] = (200, {"slug": "shop"})
    span = ("--from", "2036-01-05T22:00:00Z", "--until", "2036-01-06T02:00:00Z")
    assert ": watches shop, " in here("maintenance", "add", "N", "--watch", "shop", *span).stdout
    _, row = here("maintenance", "ls").stdout.splitlines()
    assert row.endswith("tags db  by cron 0 3 * * * (UTC), for 1 min  –")
    assert here.json("maintenance", "ls") == [WINDOW]
    gone = here("maintenance", "rm", WINDOW["name"], "--yes")
    assert (gone.returncode, trouble.requests[-1].path) == (0, "/api/v1/maintenance/m1")
    assert here("maintenance", "rm", "m1", "-y").returncode == 0
    assert here("maintenance", "rm", "m1").returncode == 2, "nobody to be asked"
    assert here("maintenance", "rm", "none", "-y").returncode == 3
    assert here("maintenance", "add", "x", "--tag", "a", "--watch", "b").returncode == 2


def test_a_rule_says_when(here: Here, trouble: Stub) -> None:
    words = ("--delay", "5m", "--quiet", "22:00-07:00", "--repeat", "10m", "--digest", "08:00")
    done = here("rule", "add", "Team", *words, "--escalate", "Chief=15m", "--tz", "UTC")
    assert done.returncode == 0, done.stderr
    timing = {name: RULE[name] for name in ("delay_s", "quiet", "repeat_s", "digest")}
    escalations = [{"channel_id": "c2", "after_s": 900}]
    assert sent(trouble) == {
        "channel_id": "c1", "scope": RULE["scope"], **timing, "escalations": escalations,
    }  # fmt: skip
    _, row = here("rule", "ls").stdout.splitlines()
    said = "if it lasts 5 min; quiet 22:00-07:00 UTC; daily at 08:00 UTC; again every 10 min; "
    assert said + "then Chief after 15 min" in row
    assert done.stdout == f"Team hears of all watches: down; {said}then Chief after 15 min\n"
    assert done.stderr == ""
    trouble.replies["POST /api/v1/rules"] = (201, {**RULE, "id": "r2", "delay_s": 0})
    again = here("rule", "add", "Team", "--event", "down")
    assert again.stderr == "dogwatch: r1 sends the same already; each message goes once\n"


def test_a_rule_is_changed(here: Here, trouble: Stub) -> None:
    assert (
        here("rule", "edit", "r1", "--delay", "0s", "--no-quiet", "--no-escalate").returncode == 0
    )
    assert sent(trouble) == {"quiet": None, "escalations": None, "delay_s": 0}
    assert here("rule", "edit", "r1", "--all", "--event", "late").returncode == 0
    assert sent(trouble) == {"events": ["late"], "scope": {"kind": "all", "values": []}}
    assert here("rule", "edit", "r1").returncode == 2


@pytest.mark.parametrize(
    ("words", "window"),
    [
        (("--for", "2h"), {"kind": "cron", "cron": "0 3 * * *", "duration_s": 7200}),
        (
            ("--day", "sun", "--at", "23:00", "--for", "1h"),
            {"kind": "weekly", "days": ["sun"], "start": "23:00", "duration_s": 3600,
             "timezone": "UTC"},
        ),
        (
            ("--from", "2036-01-05T22:00:00Z", "--until", "2036-01-06T02:00:00Z"),
            {"kind": "once", "start_at": "2036-01-05T22:00:00Z",
             "end_at": "2036-01-06T02:00:00Z"},
        ),
    ],
)  # fmt: skip
def test_a_window_is_changed(
    here: Here, trouble: Stub, words: tuple[str, ...], window: dict[str, Any]
) -> None:
    assert here("maintenance", "edit", "m1", *words).returncode == 0
    assert sent(trouble) == {"window": window}
    assert here("maintenance", "edit", "m1", "--name", "Night 2", "--all").returncode == 0
    assert sent(trouble) == {"name": "Night 2", "scope": {"kind": "all", "values": []}}
    assert here("maintenance", "edit", "m1").returncode == 2


def test_a_second_acknowledgement_says_that_it_changes_nothing(here: Here, trouble: Stub) -> None:
    assert here("ack", "7").stderr == ""
    known = {**INCIDENT, "acked_at": "2026-11-20T02:05:00Z", "acked_by": "Ana"}
    trouble.replies["GET /api/v1/incidents/7"] = (200, known)
    told = here("ack", "7")
    assert told.returncode == 0
    assert told.stderr.startswith("dogwatch: nothing is changed: Ana acknowledged it at Fri 2026")


@pytest.mark.parametrize("words", [("--quiet", "22:00"), ("--escalate", "Chief"), ("--delay", "x")])
def test_a_rule_that_cannot_be_read(here: Here, trouble: Stub, words: tuple[str, ...]) -> None:
    assert here("rule", "add", "Team", *words).returncode == 2


def test_the_incident_of_a_watch_is_snoozed(here: Here, trouble: Stub) -> None:
    assert here("snooze", "backup", "2h").returncode == 0
    assert (trouble.requests[-1].path, sent(trouble)) == (
        "/api/v1/incidents/7/snooze", {"for_s": 7200}
    )  # fmt: skip
    calm = here("snooze", "router", "2h")
    assert (calm.returncode, calm.stdout) == (3, "")
    assert "no incident is open for router" in calm.stderr
