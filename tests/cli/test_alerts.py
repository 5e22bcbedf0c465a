"""channel, rule and deliveries against recorded answers."""

import io
import json
import shlex
from typing import Any

import pytest

from dogwatch.notify import CHANNELS
from tests.cli.stub import Here, Stub

CHANNEL: dict[str, Any] = {
    "id": "c1",
    "name": "On call",
    "kind": "webhook",
    "settings": {"url": "http://x"},
    "enabled": True,
    "disabled_reason": None,
}
RULE: dict[str, Any] = {
    "id": "r1",
    "channel_id": "c1",
    "events": ["down", "recovered"],
    "scope": {"kind": "all", "values": []},
}
DELIVERY: dict[str, Any] = {
    "id": "d1",
    "watch_id": "w1",
    "channel_id": "c1",
    "event": "down",
    "state": "failed",
    "reason": "410",
    "attempts": 1,
    "created_at": "2026-11-20T02:00:00Z",
}
RECEIPT = {
    "attempt": 1,
    "at": "2026-11-20T02:00:00Z",
    "verdict": "gone",
    "status_code": 410,
    "detail": "gone for good",
}


def page(*items: Any) -> tuple[int, Any]:
    return 200, {"data": items, "next_cursor": None}


@pytest.fixture
def told(stub: Stub) -> Stub:
    """The stub with one of each."""
    stub.replies |= {
        "GET /api/v1/channels": page(CHANNEL),
        "POST /api/v1/channels": (201, {**CHANNEL, "secrets": ["whsec_1"]}),
        "PATCH /api/v1/channels/c1": (200, CHANNEL),
        "DELETE /api/v1/channels/c1": (204, ""),
        "POST /api/v1/channels/c1/test": (202, DELIVERY),
        "GET /api/v1/rules": page(RULE),
        "POST /api/v1/rules": (201, RULE),
        "DELETE /api/v1/rules/r1": (204, ""),
        "GET /api/v1/deliveries": page(DELIVERY, {**DELIVERY, "watch_id": None}),
        "GET /api/v1/deliveries/d1": (200, {**DELIVERY, "receipts": [RECEIPT]}),
        "GET /api/v1/watches/w1": (200, {"slug": "backup"}),
    }
    return stub


def sent(stub: Stub) -> list[Any]:
    return [json.loads(request.body) for request in stub.requests if request.body]


def test_a_channel_for_everything_is_one_command(here: Here, told: Stub) -> None:
    done = here("channel", "add", "webhook", "--name", "On call", "--url", "http://x", "--all")
    assert sent(told) == [
        {
            "name": "On call",
            "kind": "webhook",
            "settings": {"url": "http://x", "format": "standard"},
        },
        {"channel_id": "c1"},
    ]
    assert "whsec_1" in done.stdout
    assert done.stderr == ""


def test_a_channel_without_a_rule_warns(here: Here, told: Stub) -> None:
    done = here("channel", "add", "email", "--name", "Team", "--to", "a@x.org", "--to", "b@x.org")
    assert sent(told)[0]["settings"] == {"to": ["a@x.org", "b@x.org"]}
    assert done.stderr == "dogwatch: nobody is told through 'Team' yet: dogwatch rule add c1\n"
    assert here.json("channel", "add", "webhook", "--url", "http://x", "--all")["rule"] == RULE


@pytest.mark.parametrize("words", [(), ("pigeon",), ("webhook",), ("slack", "--to", "a@x.org")])
def test_a_channel_is_of_a_known_kind(here: Here, told: Stub, words: tuple[str, ...]) -> None:
    assert here("channel", "add", *words).returncode == 2


@pytest.mark.parametrize("kind", CHANNELS)
def test_every_kind_can_be_made(here: Here, told: Stub, kind: str) -> None:
    """Each example of a help page is a command that works."""
    page = here("channel", "add", kind, "--help").stdout
    example = page.partition("Examples:\n  dogwatch ")[2].partition("\n")[0]
    done = here(*shlex.split(example))
    assert done.returncode == 0, done.stderr
    made = sent(told)[0]
    assert (made["kind"], made["name"]) == (kind, CHANNELS[kind].label)
    CHANNELS[kind].check(made["settings"])


def test_channels_are_listed(here: Here, told: Stub) -> None:
    off = {**CHANNEL, "enabled": False, "disabled_reason": "410", "settings": {"to": ["a@x.org"]}}
    told.replies["GET /api/v1/channels"] = page(CHANNEL, off)
    _, on_row, off_row = here("channel", "ls").stdout.splitlines()
    assert on_row == "c1       On call  webhook  http://x  on"
    assert off_row == "c1       On call  webhook  a@x.org   off: 410"
    assert here.json("channel", "ls") == [CHANNEL, off]


@pytest.mark.parametrize("name", ["On call", "c1"])
def test_a_channel_is_found_by_name_and_id(here: Here, told: Stub, name: str) -> None:
    done = here("channel", "test", name)
    assert (done.returncode, done.stdout) == (1, "Not sent. gone for good\n")
    assert here("channel", "enable", name).stdout == "On call is on\n"
    assert here("channel", "disable", name).returncode == 0
    assert sent(told)[-2:] == [{"enabled": True}, {"enabled": False}]
    assert here("channel", "rm", name, "--yes").returncode == 0
    assert told.requests[-1].method == "DELETE"


def test_a_secret_can_come_by_standard_input(
    here: Here, told: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("e93facc04764012d7bfb002500d5d1a6\n"))
    assert here("channel", "add", "pagerduty", "--routing-key", "-").returncode == 0
    assert sent(told)[0]["settings"]["routing_key"] == "e93facc04764012d7bfb002500d5d1a6"


def test_for_how_long_a_channel_collects(here: Here, told: Stub) -> None:
    told.replies["PATCH /api/v1/channels/c1"] = (200, CHANNEL | {"group_window_s": 30})
    done = here("channel", "edit", "On call", "--group-window", "30s")
    assert (done.returncode, done.stdout) == (0, "On call collects for 30 s\n")
    assert sent(told)[-1] == {"group_window_s": 30}
    assert here("channel", "edit", "c1", "--usual-window").returncode == 0
    assert sent(told)[-1] == {"group_window_s": None}
    assert here("channel", "edit", "c1").returncode == 2


def test_what_was_told_with_others_names_the_message(here: Here, told: Stub) -> None:
    bundled = {**DELIVERY, "state": "sent", "bundle_id": "d2"}
    told.replies["GET /api/v1/deliveries"] = page(bundled)
    told.replies["GET /api/v1/deliveries/d1"] = (200, {**bundled, "receipts": [RECEIPT]})
    assert "410; told by d2" in here("deliveries").stdout
    shown = here("deliveries", "d1").stdout
    assert "told with others, by one message: dogwatch deliveries d2\n" in shown
    assert "gone for good" in shown


OUTCOMES = [
    ({"state": "sent"}, [RECEIPT | {"detail": "Slack said: ok"}], "Sent. Slack said: ok"),
    ({"state": "pending"}, [RECEIPT], "Not sent yet, it is tried again. gone for good"),
    ({"state": "pending", "reason": ""}, [], "No answer yet; see later: dogwatch deliveries d1"),
    ({"state": "failed", "reason": "channel is off: gone"}, [], "channel is off: gone"),
]


@pytest.mark.parametrize(("delivery", "receipts", "words"), OUTCOMES)
def test_a_test_says_what_the_service_answered(
    here: Here, told: Stub, delivery: Any, receipts: Any, words: str
) -> None:
    answer = {**DELIVERY, **delivery, "receipts": receipts}
    told.replies["GET /api/v1/deliveries/d1"] = (200, answer)
    done = here("channel", "test", "c1")
    assert done.stdout.splitlines()[0] == words
    assert (done.returncode == 0) == (delivery["state"] == "sent")
    assert told.requests[-1].query == {"wait_s": "20"}


def test_a_channel_that_is_not_there_or_there_twice(here: Here, told: Stub) -> None:
    assert here("channel", "test", "nobody").returncode == 3
    told.replies["GET /api/v1/channels"] = page(CHANNEL, {**CHANNEL, "id": "c2"})
    done = here("channel", "rm", "On call", "--yes")
    assert (done.returncode, "which `dogwatch channel ls` shows" in done.stderr) == (4, True)


def test_rm_of_a_channel_asks(here: Here, told: Stub) -> None:
    assert here("channel", "rm", "c1").returncode == 2
    assert told.requests[-1].method == "GET"


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ((), {"scope": {"kind": "all", "values": []}}),
        (("--tag", "a", "--tag", "b"), {"scope": {"kind": "tags", "values": ["a", "b"]}}),
        (
            ("--watch", "backup", "--event", "down"),
            {"scope": {"kind": "watches", "values": ["backup"]}, "events": ["down"]},
        ),
    ],
)
def test_a_rule_says_of_what(
    here: Here, told: Stub, words: tuple[str, ...], asked: dict[str, Any]
) -> None:
    done = here("rule", "add", "On call", *words)
    assert sent(told) == [{"channel_id": "c1"} | asked]
    assert done.stdout == "On call hears of all watches: down, recovered\n"


def test_a_rule_has_one_scope(here: Here, told: Stub) -> None:
    assert here("rule", "add", "c1", "--tag", "a", "--watch", "b").returncode == 2


def test_rules_are_listed_and_removed(here: Here, told: Stub) -> None:
    _, row = here("rule", "ls").stdout.splitlines()
    assert row == "r1    On call  down, recovered  all watches  at once"
    assert here.json("rule", "ls") == [RULE]
    assert here("rule", "rm", "r1", "--yes").stdout == "rule r1 is deleted\n"


def test_deliveries_are_listed(here: Here, told: Stub) -> None:
    _, row, test = here(
        "deliveries", "--channel", "On call", "--state", "failed"
    ).stdout.splitlines()
    assert row.split() == [
        *("d1", "Fri", "2026-11-20", "02:00:00", "UTC"),
        *("backup", "down", "On", "call", "failed", "1", "410"),
    ]
    assert "–" in test
    asked = next(request for request in told.requests if request.path.endswith("/deliveries"))
    assert asked.query == {"state": "failed", "channel": "c1", "limit": "20"}
    assert len(here.json("deliveries")) == 2


def test_a_delivery_shows_its_attempts(here: Here, told: Stub) -> None:
    first, _, row = here("deliveries", "d1").stdout.splitlines()
    assert first == "down: failed: 410"
    assert row.endswith("gone     410     gone for good")
    assert here.json("deliveries", "d1")["receipts"] == [RECEIPT]
