"""pings and flips against recorded answers."""

from tests.cli.stub import Here, Stub

PING = {
    "at": "2026-11-20T02:00:00Z",
    "kind": "fail",
    "exit_code": 3,
    "rid": "0123456789",
    "remote_ip": "192.0.2.1",
    "body": "reading\nno tape\n",
}
FLIP = {
    "watch_id": "w1",
    "at": "2026-11-20T02:00:00Z",
    "from_status": "up",
    "to_status": "down",
    "reason": "no tape",
}


def test_pings_are_listed(here: Here, stub: Stub) -> None:
    page = {"data": [PING], "next_cursor": None}
    stub.replies["GET /api/v1/watches/backup/pings"] = (200, page)
    _, row = here("pings", "backup").stdout.splitlines()
    assert row == "Fri 2026-11-20 02:00:00 UTC  fail  3     01234567  192.0.2.1  no tape"
    assert here.json("pings", "backup", "-n", "1") == [PING]


def test_what_a_ping_says_steers_no_terminal(here: Here, stub: Stub) -> None:
    said = "tape\n\x1b]0;mine\x07\x9b2Jover " + "x" * 10_000
    page = {"data": [{**PING, "rid": "\x1b[2J", "body": said}], "next_cursor": None}
    stub.replies["GET /api/v1/watches/backup/pings"] = (200, page)
    _, row = here("pings", "backup").stdout.splitlines()
    assert row.startswith(
        "Fri 2026-11-20 02:00:00 UTC  fail  3      [2J  192.0.2.1  ]0;mine 2Jover x"
    )
    assert row.endswith("x…")
    assert row.isprintable()
    assert len(row) < 200


def test_flips_are_listed_with_their_slugs(here: Here, stub: Stub) -> None:
    stub.replies["GET /api/v1/flips"] = (200, {"data": [FLIP, FLIP], "next_cursor": None})
    stub.replies["GET /api/v1/watches/w1"] = (200, {"slug": "backup"})
    _, row, _ = here("flips", "backup").stdout.splitlines()
    assert row == "Fri 2026-11-20 02:00:00 UTC  backup  ✓ OK  ✕ Down  no tape"
    assert stub.requests[0].query == {"watch": "backup", "limit": "20"}
    assert len(stub.requests) == 2
    assert here.json("flips") == [FLIP, FLIP]


def test_several_slugs_are_asked_for_at_once(here: Here, stub: Stub) -> None:
    """What the answer has no room for is asked alone; what is not there any more has none."""
    flips = [{**FLIP, "watch_id": own} for own in ("w1", "w2", "w3", "w4")]
    listed = [{"id": "w1", "slug": "backup"}, {"id": "w2", "slug": "report"}]
    stub.replies["GET /api/v1/flips"] = (200, {"data": flips, "next_cursor": None})
    stub.replies["GET /api/v1/watches"] = (200, {"data": listed, "next_cursor": "w2"})
    stub.replies["GET /api/v1/watches/w3"] = (200, {"slug": "tape"})
    rows = here("flips").stdout.splitlines()[1:5]
    assert [row.split()[4] for row in rows] == ["backup", "report", "tape", "–"]
    asked = [one.path.removeprefix("/api/v1") for one in stub.requests]
    assert asked == ["/flips", "/watches", "/watches/w3", "/watches/w4"]
