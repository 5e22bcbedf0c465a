"""What an answer must say, table by table."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.core.probe import assertions, json_path, pattern
from dogwatch.core.probe.judging import first_fault
from dogwatch.core.probe.seen import Certificate, Seen
from dogwatch.core.problems import Problem

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def seen(body: str | bytes = "", **facts: Any) -> Seen:
    content = body if isinstance(body, bytes) else body.encode()
    return Seen(NOON, status_code=200, body=content, **facts)


def told(data: dict[str, Any], what: Seen) -> str | None:
    return assertions.from_json(data).check(what)


def refused(data: object) -> dict[str, str]:
    with pytest.raises(Problem) as caught:
        assertions.from_json(data)
    return dict(caught.value.fields)


@pytest.mark.parametrize(
    ("kind", "text", "body", "fault"),
    [
        ("body_contains", "ok", "all ok here", None),
        ("body_contains", "Ok", "all ok here", "the body does not contain 'Ok'"),
        ("body_contains", "größe", "die größe", None),
        ("body_contains", "a.c", "abc", "the body does not contain 'a.c'"),
        ("body_lacks", "error", "all well", None),
        ("body_lacks", "error", "an error!", "the body contains 'error'"),
    ],
)
def test_body_holds_a_literal_text(kind: str, text: str, body: str, fault: str | None) -> None:
    assert told({"kind": kind, "text": text}, seen(body)) == fault


def test_what_was_cut_off_is_told() -> None:
    cut = seen("abc", truncated=True)
    fault = told({"kind": "body_contains", "text": "x"}, cut)
    assert fault == "the body does not contain 'x' in its first 3 bytes"


DOCUMENT = (
    '{"state":"up","n":3,"f":2.5,"yes":true,"none":null,"list":["a",{"b":7}],"odd key":1,"e":""}'
)


@pytest.mark.parametrize(
    ("path", "how", "value", "fault"),
    [
        ("$.state", "equals", "up", None),
        ("$.state", "equals", "down", "$.state: expected equals \"down\", got 'up'"),
        ("$.state", "not_equals", "down", None),
        ("$.state", "contains", "u", None),
        ("$.state", "exists", None, None),
        ("$.state", "missing", None, "$.state exists"),
        ("$.gone", "missing", None, None),
        ("$.gone", "exists", None, "$.gone is missing"),
        ("$.gone", "equals", "x", "$.gone is missing"),
        ("$.n", "equals", 3, None),
        ("$.n", "equals", 3.0, None),
        ("$.n", "equals", "3", "$.n: expected equals '3', got 3"),
        ("$.n", "less", 4, None),
        ("$.n", "less", 3, "$.n: expected less 3, got 3"),
        ("$.n", "at_most", 3, None),
        ("$.n", "more", 2, None),
        ("$.n", "at_least", 4, "$.n: expected at least 4, got 3"),
        ("$.state", "more", 2, "$.state: expected more 2, got 'up'"),
        ("$.yes", "equals", True, None),
        ("$.yes", "equals", 1, "$.yes: expected equals 1, got true"),
        ("$.yes", "at_least", 1, "$.yes: expected at least 1, got true"),
        ("$.none", "equals", None, None),
        ("$.none", "exists", None, None),
        ("$.list[0]", "equals", "a", None),
        ("$.list[-1].b", "equals", 7, None),
        ("$.list[2]", "exists", None, "$.list[2] is missing"),
        ("$.list", "contains", "a", None),
        ("$.list", "equals", "a", "$.list: expected equals 'a', got a list of 2"),
        ("$['odd key']", "equals", 1, None),
        ('$["odd key"]', "equals", 1, None),
        ("$.state.deeper", "exists", None, "$.state.deeper is missing"),
        ("$", "exists", None, None),
    ],
)
def test_json_values(path: str, how: str, value: Any, fault: str | None) -> None:
    data = {"kind": "json", "path": path, "is": how, "value": value}
    found = told(data, seen(DOCUMENT))
    assert found == (fault and fault.replace('"', "'"))


@pytest.mark.parametrize(
    "body", ["", "<html>", "NaN", '{"a":Infinity}', "[" * 100_000, "1" * 5000, b"\xff\xfe{}"]
)
def test_what_is_no_json_is_said_to_be_none(body: str | bytes) -> None:
    assert told({"kind": "json", "path": "$.a"}, seen(body)) == "the body is not JSON"


@pytest.mark.parametrize(
    ("number", "good"), [("9" * 4000, False), ("-" + "9" * 4000, True), ("1e999", False)]
)
def test_a_huge_number_is_compared_or_refused_but_breaks_nothing(number: str, good: bool) -> None:
    fault = told({"kind": "json", "path": "$", "is": "less", "value": 1}, seen(number))
    assert (fault is None) == good


@given(st.text(max_size=40), st.text(max_size=20))
def test_no_path_and_no_body_breaks_the_judge(path: str, body: str) -> None:
    steps = json_path.parse(path)
    assert (steps is None) == (assertions.check_all([{"kind": "json", "path": path}]) is not None)
    if steps is not None:
        fault = told({"kind": "json", "path": path}, seen(body))
        assert fault in (None, "the body is not JSON", f"{path} is missing")


@pytest.mark.parametrize(
    ("how", "value", "fault"),
    [
        ("exists", "", None),
        ("equals", "text/html", None),
        ("equals", "text/plain", "the header Content-Type is not 'text/plain'"),
        ("contains", "html", None),
        ("contains", "json", "the header Content-Type does not contain 'json'"),
        ("missing", "", "there is a header Content-Type"),
    ],
)
def test_headers(how: str, value: str, fault: str | None) -> None:
    data = {"kind": "header", "name": "Content-Type", "is": how, "value": value}
    assert told(data, seen(headers=(("content-type", "text/html"),))) == fault


def test_a_header_that_is_not_there() -> None:
    assert told({"kind": "header", "name": "X-A"}, seen()) == "there is no header X-A"
    assert told({"kind": "header", "name": "X-A", "is": "missing"}, seen()) is None


@pytest.mark.parametrize(
    ("days", "fault"),
    [
        (30, None),
        (14, None),
        (13.9, "the certificate expires in 13 days, at least 14 expected"),
        (0.5, "the certificate expires in 0 days, at least 14 expected"),
        (-3, "the certificate expired 3 days ago"),
    ],
)
def test_days_of_a_certificate(days: float, fault: str | None) -> None:
    shown = Certificate(NOON + timedelta(days=days))
    assert told({"kind": "certificate_days", "least": 14}, seen(certificate=shown)) == fault


def test_without_a_certificate_none_is_good() -> None:
    assert told({"kind": "certificate_days", "least": 1}, seen()) == "there is no certificate"


def test_patterns() -> None:
    data = {"kind": "body_matches", "pattern": "v[0-9]+"}
    assert told(data, seen("this is v42")) is None
    assert told(data, seen("this is it")) == "the body does not match 'v[0-9]+'"


@pytest.mark.parametrize(
    "bad", ["(", "(?=x)", r"(a)\1", "(?:(?:.{1,30}){1,30})x", "[a-z]{1,900}Z", "x" * 501, 3]
)
def test_patterns_that_could_take_long_are_refused(bad: object) -> None:
    assert set(refused({"kind": "body_matches", "pattern": bad})) == {"pattern"}


@pytest.mark.parametrize("evil", ["(a+)+$", "(a|aa)+$", "(a|a?)+$", "(.*a){20}b", "(x+x+)+y"])
def test_no_pattern_is_catastrophic(evil: str) -> None:
    began = time.process_time()
    pattern.found(evil, "a" * 1_000_000)
    assert time.process_time() - began < 3


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        (None, {"kind"}),
        ({}, {"kind"}),
        ({"kind": ["x"]}, {"kind"}),
        ({"kind": "smell"}, {"kind"}),
        ({"kind": "body_contains"}, {"text"}),
        ({"kind": "body_contains", "text": ""}, {"text"}),
        ({"kind": "body_contains", "text": "x\x00"}, {"text"}),
        ({"kind": "body_contains", "text": "\ud800"}, {"text"}),
        ({"kind": "body_contains", "text": "x", "more": 1, "degrades": 1}, {"more", "degrades"}),
        ({"kind": "json", "path": "state"}, {"path"}),
        ({"kind": "json", "path": "$..x"}, {"path"}),
        ({"kind": "json", "path": "$" + ".a" * 33}, {"path"}),
        ({"kind": "json", "path": "$.a", "is": "like", "value": []}, {"is", "value"}),
        ({"kind": "json", "path": "$.a", "value": float("nan")}, {"value"}),
        ({"kind": "header", "name": "X-A", "is": "more"}, {"is"}),
        ({"kind": "certificate_days", "least": True}, {"least"}),
        ({"kind": "certificate_days", "least": 2.5}, {"least"}),
    ],
)
def test_bad_assertions_name_their_fields(data: object, fields: set[str]) -> None:
    assert set(refused(data)) == fields


@pytest.mark.parametrize(
    "data",
    [
        {"kind": "body_contains", "text": "x", "degrades": True},
        {"kind": "body_lacks", "text": "x", "degrades": False},
        {"kind": "body_matches", "pattern": "x", "degrades": False},
        {"kind": "json", "path": "$.a", "is": "equals", "value": None, "degrades": False},
        {"kind": "header", "name": "X", "is": "equals", "value": "y", "degrades": False},
        {"kind": "certificate_days", "least": 3, "degrades": False},
    ],
)
def test_what_is_written_can_be_read(data: dict[str, Any]) -> None:
    assert assertions.to_json(assertions.from_json(data)) == data


def test_a_list_of_assertions_names_each_bad_place() -> None:
    good = {"kind": "body_contains", "text": "x"}
    assert assertions.check_all([good]) is None
    assert assertions.check_all([good, {"kind": "json"}]) == "[1] path: is required"
    assert assertions.check_all([good] * 21) == "must be a list of at most 20"
    assert assertions.check_all({}) == "must be a list of at most 20"


def test_a_fault_that_means_down_stands_before_one_that_degrades() -> None:
    demands = [
        assertions.from_json({"kind": "body_contains", "text": "a", "degrades": True}),
        assertions.from_json({"kind": "body_contains", "text": "b"}),
    ]
    worst = first_fault(demands, seen("nothing"))
    assert worst is not None
    assert (worst.error, worst.degrades) == ("assertion", False)
    light = first_fault(demands, seen("b"))
    assert light is not None
    assert light.degrades
    assert first_fault(demands, seen("ab")) is None
