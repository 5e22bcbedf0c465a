"""What a target demands, in words: one of each kind."""

from typing import Any

import pytest

from dogwatch.core.probe import assertions, demands

CASES: list[tuple[dict[str, Any], str]] = [
    ({"kind": "body_contains", "text": "ready"}, "the body contains 'ready'"),
    ({"kind": "body_lacks", "text": "error"}, "the body does not contain 'error'"),
    ({"kind": "body_matches", "pattern": "v[0-9]"}, "the body matches 'v[0-9]'"),
    ({"kind": "json", "path": "$.ok"}, "JSON $.ok exists"),
    ({"kind": "json", "path": "$.ok", "is": "equals", "value": True}, "JSON $.ok is true"),
    ({"kind": "json", "path": "$.n", "is": "at_most", "value": 3}, "JSON $.n is at most 3"),
    ({"kind": "header", "name": "Server", "is": "missing"}, "the header Server is missing"),
    (
        {"kind": "header", "name": "Age", "is": "contains", "value": "1", "degrades": True},
        "the header Age contains '1'; degraded if not",
    ),
    (
        {"kind": "certificate_days", "least": 14},
        "the certificate is good for at least 14 days more",
    ),
]


@pytest.mark.parametrize(("demand", "words"), CASES)
def test_each_is_said_in_words(demand: dict[str, Any], words: str) -> None:
    stored = assertions.to_json(assertions.from_json(demand))
    for one in (demand, stored):
        assert demands.said({"kind": "http", "assertions": [one]}) == [words]


def test_every_kind_and_comparison_has_words() -> None:
    assert {one["kind"] for one, _ in CASES} == set(assertions.KINDS)
    for compare in (*assertions.COMPARE, "exists", "missing"):
        demand = {"kind": "json", "path": "$.a", "is": compare, "value": 1}
        assert len(demands.said({"kind": "http", "assertions": [demand]})) == 1


def test_targets_say_what_is_out_of_the_common() -> None:
    assert demands.said({"kind": "http", "verify_tls": False}) == [
        "the certificate need not be trusted"
    ]
    assert demands.said({"kind": "tls", "server_name": "a.example"}) == [
        "the certificate is for a.example"
    ]
    told = demands.said({"kind": "dns", "expected": ["1.2.3.4"], "match": "exact"})
    assert told == ["these records are there, and no others"]
    assert demands.said({"kind": "tcp", "host": "a.example"}) == []
