"""Targets: what may be asked, and what counts as a good answer."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dogwatch.core.probe import target
from dogwatch.core.probe.judging import result_of
from dogwatch.core.probe.seen import Certificate, Seen
from dogwatch.core.problems import Problem
from dogwatch.core.result import Outcome

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
URL = "https://shop.example/health"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nMII=\n-----END PRIVATE KEY-----\n"


def refused(**data: Any) -> set[str]:
    with pytest.raises(Problem) as caught:
        target.from_json(data)
    return set(caught.value.fields)


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        ({}, {"kind"}),
        ({"kind": "gopher"}, {"kind"}),
        ({"kind": "http"}, {"url"}),
        ({"kind": "http", "url": "ftp://x"}, {"url"}),
        ({"kind": "http", "url": "file:///etc/passwd"}, {"url"}),
        ({"kind": "http", "url": "http://u:p@x"}, {"url"}),
        ({"kind": "http", "url": "http://x\r\nHost: y"}, {"url"}),
        ({"kind": "http", "url": URL, "headers": {"Host": "x"}}, {"headers"}),
        ({"kind": "http", "url": URL, "headers": {"Content-Length": "1"}}, {"headers"}),
        ({"kind": "http", "url": URL, "headers": {"Transfer-Encoding": "x"}}, {"headers"}),
        ({"kind": "http", "url": URL, "headers": {"Connection": "x"}}, {"headers"}),
        ({"kind": "http", "url": URL, "headers": {"Proxy-Authorization": "x"}}, {"headers"}),
        ({"kind": "http", "url": URL, "headers": {"X-A": "a\r\nX-B: b"}}, {"headers"}),
        ({"kind": "http", "url": URL, "headers": {"X A": "a"}}, {"headers"}),
        ({"kind": "http", "url": URL, "user_agent": "a\nb"}, {"user_agent"}),
        ({"kind": "http", "url": URL, "timeout_s": 0}, {"timeout_s"}),
        ({"kind": "http", "url": URL, "verify_tls": "no"}, {"verify_tls"}),
        ({"kind": "http", "url": URL, "expected_status": "2xx"}, {"expected_status"}),
        ({"kind": "http", "url": URL, "client_certificate": CERTIFICATE}, {"client_key"}),
        ({"kind": "http", "url": URL, "client_key": KEY}, {"client_key"}),
        (
            {"kind": "http", "url": URL, "client_certificate": "x", "client_key": "y"},
            {"client_certificate", "client_key"},
        ),
        ({"kind": "http", "url": URL, "assertions": [{"kind": "json"}], "x": 1},
         {"assertions", "x"}),
        ({"kind": "tcp"}, {"host", "port"}),
        ({"kind": "tcp", "host": "http://x", "port": 0}, {"host", "port"}),
        ({"kind": "tcp", "host": "a b", "port": 70000}, {"host", "port"}),
        ({"kind": "tls", "host": "x", "days_left": -1}, {"days_left"}),
        ({"kind": "dns", "name": "x", "type": "ANY"}, {"type"}),
        ({"kind": "dns", "name": "x", "resolver": "ns.example"}, {"resolver"}),
        ({"kind": "dns", "name": "x", "expected": "1.2.3.4"}, {"expected"}),
        ({"kind": "icmp", "host": "x", "port": 1}, {"port"}),
    ],
)  # fmt: skip
def test_bad_targets_name_their_fields(data: dict[str, Any], fields: set[str]) -> None:
    assert refused(**data) == fields


@pytest.mark.parametrize(
    "data",
    [
        {
            "kind": "http", "url": URL, "method": "POST", "headers": [["X-A", "b"]], "body": "x",
            "timeout_s": 5, "expected_status": "200,301-302", "max_redirects": 0,
            "user_agent": "me/1", "verify_tls": False, "client_certificate": CERTIFICATE,
            "client_key": KEY,
            "assertions": [{"kind": "body_contains", "text": "ok", "degrades": False}],
        },
        {"kind": "tcp", "host": "::1", "port": 25, "timeout_s": 3},
        {"kind": "tls", "host": "x", "port": 443, "timeout_s": 3, "server_name": "y",
         "days_left": 3, "warn_days_left": 30, "verify": False},
        {"kind": "dns", "name": "x", "type": "MX", "resolver": "9.9.9.9", "port": 53,
         "timeout_s": 3, "expected": ["10 mail.x."], "match": "exact"},
        {"kind": "icmp", "host": "x.example", "timeout_s": 3},
    ],
)  # fmt: skip
def test_what_is_written_can_be_read(data: dict[str, Any]) -> None:
    assert target.to_json(target.from_json(data)) == data


@pytest.mark.parametrize(
    ("data", "address"),
    [
        ({"kind": "http", "url": URL + "?token=x"}, URL),
        ({"kind": "tcp", "host": "x", "port": 25}, "x:25"),
        ({"kind": "tls", "host": "x"}, "x:443"),
        ({"kind": "dns", "name": "x"}, "A x"),
        ({"kind": "icmp", "host": "x"}, "x"),
    ],
)
def test_addresses_for_people_hold_no_secret(data: dict[str, Any], address: str) -> None:
    assert target.from_json(data).address == address


def judged(data: dict[str, Any], seen: Seen) -> tuple[Outcome, str, str]:
    asked = target.from_json(data)
    result = result_of(seen, None if seen.error else asked.judge(seen))
    return result.outcome, result.error, result.reason


@pytest.mark.parametrize(
    ("code", "expected", "verdict"),
    [
        (200, "200-299", (Outcome.OK, "", "status 200")),
        (301, "200,301", (Outcome.OK, "", "status 301")),
        (503, "200-299", (Outcome.FAIL, "status", "expected status 200-299, got 503")),
    ],
)
def test_statuses(code: int, expected: str, verdict: tuple[Outcome, str, str]) -> None:
    asked = {"kind": "http", "url": URL, "expected_status": expected}
    assert judged(asked, Seen(NOON, status_code=code)) == verdict


@pytest.mark.parametrize(("degrades", "outcome"), [(False, Outcome.FAIL), (True, Outcome.SLOW)])
def test_a_demand_that_fails(degrades: bool, outcome: Outcome) -> None:
    demand = {"kind": "body_contains", "text": "ok", "degrades": degrades}
    asked = {"kind": "http", "url": URL, "assertions": [demand]}
    fault = (outcome, "assertion", "the body does not contain 'ok'")
    assert judged(asked, Seen(NOON, status_code=200, body=b"no")) == fault


@pytest.mark.parametrize(
    ("error", "outcome"), [("timeout", Outcome.TIMEOUT), ("connect", Outcome.FAIL)]
)
def test_no_answer(error: str, outcome: Outcome) -> None:
    asked = {"kind": "tcp", "host": "x", "port": 1}
    seen = Seen(NOON, error=error, reason="why", detail="for the admin")
    assert judged(asked, seen) == (outcome, error, "why")


@pytest.mark.parametrize(
    ("days", "fault", "verify", "outcome", "reason"),
    [
        (90, "", True, Outcome.OK, ""),
        (10, "", True, Outcome.SLOW, "the certificate expires in 10 days, at least 14 expected"),
        (0.5, "", True, Outcome.FAIL, "the certificate expires in 0 days, at least 1 expected"),
        (90, "self-signed", True, Outcome.FAIL, "the certificate is not trusted: self-signed"),
        (90, "self-signed", False, Outcome.OK, ""),
    ],
)
def test_certificates(days: float, fault: str, verify: bool, outcome: Outcome, reason: str) -> None:
    shown = Certificate(NOON + timedelta(days=days), fault=fault)
    asked = {"kind": "tls", "host": "x", "verify": verify}
    error = "certificate" if reason else ""
    assert judged(asked, Seen(NOON, certificate=shown)) == (outcome, error, reason)


@pytest.mark.parametrize(
    ("expected", "match", "records", "good"),
    [
        ([], "all", ["192.0.2.1"], True),
        ([], "exact", ["192.0.2.1"], True),
        ([], "all", [], False),
        (["192.0.2.1"], "all", ["192.0.2.1", "192.0.2.2"], True),
        (["192.0.2.1"], "exact", ["192.0.2.1", "192.0.2.2"], False),
        (["192.0.2.1", "192.0.2.9"], "any", ["192.0.2.1"], True),
        (["192.0.2.9"], "any", ["192.0.2.1"], False),
        (["2001:DB8:0::1"], "all", ["2001:db8::1"], True),
        (["10 Mail.Example.ORG"], "all", ["10 mail.example.org."], True),
        (["v=spf1 -all"], "all", ['"v=spf1 -all"'], True),
        (['"v=spf1 -all"'], "all", ['"v=spf1 -all"'], True),
    ],
)
def test_records(expected: list[str], match: str, records: list[str], good: bool) -> None:
    asked = {"kind": "dns", "name": "x", "expected": expected, "match": match}
    outcome, error, _ = judged(asked, Seen(NOON, records=tuple(records)))
    assert (outcome is Outcome.OK, error) == (good, "" if good else "records")


def test_a_result_keeps_phases_and_a_preview_of_500_characters() -> None:
    seen = Seen(
        NOON,
        phases_ms={"dns": 0.123, "total": 12.6},
        status_code=200,
        body=b"\x00\xff" + b"x" * 9999,
    )
    result = result_of(seen, None)
    assert result.duration_ms == 13
    assert result.phases_ms == {"dns": 0.1, "total": 12.6}
    assert result.preview == "\ufffd\ufffd" + "x" * 498
