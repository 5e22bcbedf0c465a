"""probe add, list, show, stats and test against recorded answers."""

import json
from typing import Any

import pytest

from dogwatch.core.probe.address import address_of, target_of
from dogwatch.core.problems import Problem
from tests.cli.stub import Here, Stub

WINDOW = {
    "name": "24h", "from_at": "2026-11-19T02:00:00Z", "ok": 98, "slow": 1, "bad": 1,
    "uptime_percent": 99.0, "average_ms": 81.3, "p50_ms": 80.0, "p95_ms": 130.2, "p99_ms": None,
    "gaps": [{"start_at": "2026-11-19T03:00:00Z", "end_at": "2026-11-19T03:05:00Z"}],
}  # fmt: skip
RUN: dict[str, Any] = {
    "id": "01kam3v7t0000000000000000a", "state": "done", "outcome": "fail", "watch_id": "p1",
    "reason": "could not connect", "detail": "could not connect: Connection refused",
    "status_code": None, "phases_ms": {"total": 2.5, "dns": 0.1}, "preview": "busy",
    "duration_ms": 3, "finished_at": "2026-11-20T02:00:00Z",
}  # fmt: skip
PROBE: dict[str, Any] = {
    "id": "p1", "slug": "shop", "name": "Shop", "kind": "probe", "status": "up",
    "since_at": "2026-11-20T02:00:00Z", "schedule": "60", "timezone": "UTC", "ping_url": None,
    "next_due_at": "2026-11-21T01:00:00Z", "last_ping_at": None, "last_run": RUN, "tags": [],
    "late": False, "running": 0, "target": {"kind": "http", "url": "https://shop.example/"},
    "rechecks": 2, "recheck_after_s": 2, "locations": ["here", "fra"], "agree": 2,
}  # fmt: skip
EVENTS = f"event: end\ndata: {json.dumps(RUN)}\n\n"


@pytest.fixture
def told(stub: Stub) -> Stub:
    """The stub with one probe."""
    stub.replies |= {
        "GET /api/v1/probes": (200, {"data": [PROBE], "next_cursor": None}),
        "GET /api/v1/probes/shop": (200, PROBE),
        "POST /api/v1/probes": (201, PROBE),
        "PATCH /api/v1/probes/shop": (200, PROBE),
        "POST /api/v1/probes/shop/test": (202, RUN | {"state": "queued"}),
        "GET /api/v1/watches/shop/statistics": (200, {"windows": [WINDOW]}),
        "GET /api/v1/watches/p1/statistics": (200, {"windows": [WINDOW]}),
        f"GET /api/v1/runs/{RUN['id']}/output/stream": (200, EVENTS),
        f"GET /api/v1/runs/{RUN['id']}": (200, RUN),
    }
    return stub


@pytest.mark.parametrize(
    ("words", "target"),
    [
        (["https://shop.example/"], {"kind": "http", "url": "https://shop.example/"}),
        (
            ["http://x/", "--method", "POST", "--header", "X-A: b", "--body", "c", "--insecure",
             "--contains", "ok", "--lacks", "bad", "--certificate-days", "7", "--timeout", "3"],
            {
                "kind": "http", "url": "http://x/", "method": "POST", "headers": [["X-A", "b"]],
                "body": "c", "timeout_s": 3.0, "verify_tls": False,
                "assertions": [
                    {"kind": "body_contains", "text": "ok"}, {"kind": "body_lacks", "text": "bad"},
                    {"kind": "certificate_days", "least": 7},
                ],
            },
        ),
        (["tcp://mail.example:25"], {"kind": "tcp", "host": "mail.example", "port": 25}),
        (["tls://x", "--insecure"], {"kind": "tls", "host": "x", "verify": False}),
        (["tls://x", "--certificate-days", "7"], {"kind": "tls", "host": "x", "days_left": 7}),
        (["dns://example.org/mx"], {"kind": "dns", "name": "example.org", "type": "MX"}),
        (["icmp://192.0.2.1"], {"kind": "icmp", "host": "192.0.2.1"}),
        (
            ["tls://x", "--target", '{"days_left": 3}'],
            {"kind": "tls", "host": "x", "days_left": 3},
        ),
    ],
)  # fmt: skip
def test_add_sends_a_target(
    here: Here, told: Stub, words: list[str], target: dict[str, Any]
) -> None:
    done = here("probe", "add", "Shop", *words)
    assert json.loads(told.requests[0].body) == {
        "name": "Shop", "schedule": "60", "target": target,
    }  # fmt: skip
    assert "dogwatch probe test shop" in done.stdout


def test_a_time_of_day_is_meant_in_the_zone_of_this_machine(
    here: Here, told: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Europe/Warsaw")
    here("probe", "add", "Shop", "tcp://x:1", "--every", "every day at 9", "--timeout", "5s")
    sent = json.loads(told.requests[0].body)
    assert (sent["schedule"], sent["timezone"]) == ("0 9 * * *", "Europe/Warsaw")
    assert sent["target"]["timeout_s"] == 5


def test_add_sends_who_asks_how_often(here: Here, told: Stub) -> None:
    here(
        "probe", "add", "Shop", "http://x/", "--every", "5", "--failures", "3", "--rechecks", "0",
        "--location", "here", "--location", "fra", "--agree", "2", "--slow-after", "800",
    )  # fmt: skip
    sent = json.loads(told.requests[0].body)
    assert {name: value for name, value in sent.items() if name not in ("name", "target")} == {
        "schedule": "5", "failures_before_down": 3, "rechecks": 0, "locations": ["here", "fra"],
        "agree": 2, "slow_after_ms": 800,
    }  # fmt: skip


TARGET: dict[str, Any] = {
    "kind": "http", "url": "https://shop.example/", "timeout_s": 10.0,
    "headers": [["X-Token", "***"]], "assertions": [{"kind": "body_contains", "text": "ok"}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("words", "sent"),
    [
        (["--every", "5m"], {"schedule": "5m"}),
        (["--name", "X", "--timeout", "3"], {"name": "X", "target": TARGET | {"timeout_s": 3.0}}),
        (["--address", "http://y/"], {"target": TARGET | {"url": "http://y/"}}),
        (
            ["--lacks", "bad", "--secure"],
            {"target": TARGET | {"assertions": [{"kind": "body_lacks", "text": "bad"}],
                                 "verify_tls": True}},
        ),
        (["--address", "tcp://y:25"], {"target": {"kind": "tcp", "host": "y", "port": 25}}),
    ],
)  # fmt: skip
def test_edit_sends_what_is_given_beside_what_is_kept(
    here: Here, told: Stub, words: list[str], sent: dict[str, Any]
) -> None:
    told.replies["GET /api/v1/probes/shop"] = (200, PROBE | {"target": TARGET})
    assert "must agree" in here("probe", "edit", "shop", *words).stdout
    assert json.loads(told.requests[-1].body) == sent
    assert here("probe", "edit", "shop").returncode == 2


def test_a_place_that_is_asked_by_another_port_keeps_none_of_the_old(
    here: Here, told: Stub
) -> None:
    old = {"kind": "tcp", "host": "x", "port": 25, "timeout_s": 3.0}
    told.replies["GET /api/v1/probes/shop"] = (200, PROBE | {"target": old})
    here("probe", "edit", "shop", "--address", "tcp://y")
    assert json.loads(told.requests[-1].body) == {
        "target": {"kind": "tcp", "host": "y", "timeout_s": 3.0}
    }


@pytest.mark.parametrize(
    "words", [["tcp://x:1", "--body", "y"], ["http://x", "--header", "y"], ["x", "--target", "["]]
)
def test_what_makes_no_sense_is_refused(here: Here, told: Stub, words: list[str]) -> None:
    assert here("probe", "add", "Shop", *words).returncode == 2
    assert told.requests == []


def test_list_and_show(here: Here, told: Stub) -> None:
    listed = here("probe", "ls").stdout
    assert "https://shop.example/  1m " in listed  # the schedule, and not the bare 60 of its owner
    shown = here("probe", "show", "shop").stdout
    assert "here, fra; 2 must agree" in shown
    told.replies["GET /api/v1/probes/shop"] = (200, PROBE | {"target": PROBE["target"] | {
        "assertions": [{"kind": "certificate_days", "least": 7}], "verify_tls": False,
    }})  # fmt: skip
    lines = here("probe", "show", "shop").stdout.split("\n24h")[0].splitlines()
    (demands,) = (line for line in lines if line.startswith("demands "))
    said = "the certificate is good for at least 7 days more, the certificate need not be trusted"
    assert demands == f"demands    {said}"
    facts = lines[: next(n for n, line in enumerate(lines) if line.startswith("LAST "))]
    assert {line[9:11] for line in facts} == {"  "}
    assert "99 %" in shown
    assert json.loads(here("probe", "show", "shop", "--json").stdout)["statistics"] == [WINDOW]


def test_stats(here: Here, told: Stub) -> None:
    heads, row = here("probe", "stats", "shop").stdout.splitlines()
    assert heads.split() == [
        "LAST", "UPTIME", "ASKED", "BAD", "AVERAGE", "P50", "P95", "P99", "GAPS",
    ]  # fmt: skip
    assert " ".join(row.split()) == "24h 99 % 100 1 81 ms 80 ms 130 ms – 1"


def test_a_try_prints_what_was_seen(here: Here, told: Stub) -> None:
    done = here("probe", "test", "shop")
    assert done.returncode == 1
    for words in ("could not connect: Connection refused", "dns 0.1 ms, total 2.5 ms", "\nbusy"):
        assert words in done.stdout


@pytest.mark.parametrize(
    ("target", "address"),
    [
        ({"kind": "http", "url": "http://x/"}, "http://x/"),
        ({"kind": "tcp", "host": "x", "port": 1}, "tcp://x:1"),
        ({"kind": "dns", "name": "x", "type": "A"}, "dns://x/A"),
        ({"kind": "icmp", "host": "x"}, "icmp://x"),
    ],
)
def test_addresses(target: dict[str, Any], address: str) -> None:
    assert address_of(target) == address
    assert target_of(address) == target


@pytest.mark.parametrize(
    "address",
    [
        "dns://x?type=TXT", "tcp://u:p@h:1", "tcp://h:1/path", "tcp://h:1?x=1", "tls://h/path#f",
        "icmp://u@h", "icmp://h/x", "ftp://h", "h:1",
    ],
)  # fmt: skip
def test_what_an_address_cannot_say_is_refused(address: str) -> None:
    with pytest.raises(Problem, match="use one of"):
        target_of(address)
