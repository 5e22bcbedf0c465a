"""Items in manifests: what is told of one is asked for as the same, whatever is said of it."""

import asyncio
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.clock import SystemClock
from dogwatch.core.manifest.text import read, written
from dogwatch.core.plans import UNLIMITED
from dogwatch.usecases.callers import host
from dogwatch.vault import Vault
from dogwatch.web.api.manifest.kinds import KINDS
from dogwatch.web.api.manifest.plan import Plan
from dogwatch.web.api.manifest.present import Present
from dogwatch.web.services import Services

AT = datetime(2026, 1, 1, tzinfo=UTC)
NAME = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs"]), min_size=1)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=30)
URL = st.sampled_from(["https://x.example/", "http://x.example:81/a?token=abc&b=1"])
COUNT = st.integers(1, 20)
HEADERS = st.lists(st.sampled_from([["Accept", "text/plain"], ["X-Key", "s3cret"]]), max_size=2)
WATCH: dict[str, st.SearchStrategy[Any]] = {
    "description": TEXT, "tags": st.lists(NAME.map(lambda one: one[:20]), max_size=3),
    "project": NAME.map(lambda one: one[:20]), "timezone": st.sampled_from(["UTC", "Asia/Tokyo"]),
    "start_by_s": COUNT | st.none(), "finish_by_s": COUNT, "slow_after_ms": COUNT,
    "min_duration_ms": COUNT, "early_s": COUNT, "failures_before_down": st.integers(1, 9),
    "successes_before_up": COUNT, "starts_at": st.just("2026-02-01T00:00:00Z"),
}  # fmt: skip
DUE = {"schedule": st.sampled_from(["0 2 * * *", "every 5m", "60"])}
RULES: dict[str, st.SearchStrategy[Any]] = {
    "overlap": st.sampled_from(["skip", "queue_one", "allow"]), "priority": st.integers(0, 3),
    "catch_up": st.sampled_from(["none", "last", "all"]), "catch_up_max": COUNT,
    "catch_up_window_s": COUNT, "max_runs": COUNT, "reset_on_resume": st.booleans(),
}  # fmt: skip
HTTP = st.fixed_dictionaries(
    {"kind": st.just("http"), "url": URL},
    optional={
        "method": st.sampled_from(["GET", "POST"]), "headers": HEADERS, "timeout_s": COUNT,
        "expected_status": st.sampled_from(["200-299", "204"]), "body": st.just("a b"),
        "max_redirects": st.integers(0, 9),
    },
)  # fmt: skip
OTHERS = st.one_of(
    st.fixed_dictionaries(
        {"kind": st.just("tls"), "host": st.just("x.example")},
        optional={"port": COUNT, "verify": st.booleans(), "warn_days_left": st.integers(5, 30)},
    ),
    st.fixed_dictionaries({"kind": st.just("tcp"), "host": st.just("x.example"), "port": COUNT}),
    st.fixed_dictionaries(
        {"kind": st.just("dns"), "name": st.just("x.example")},
        optional={"type": st.sampled_from(["A", "AAAA"]), "resolver": st.just("192.0.2.1")},
    ),
    st.fixed_dictionaries({"kind": st.just("icmp"), "host": st.just("x.example")}),
)
SCRIPT = st.fixed_dictionaries(
    {"kind": st.just("script"), "language": st.just("bash"), "source": st.just("set -e\ntrue\n")},
    optional={"env": st.just({"A": "s3cret"}), "args": st.just(["a"]), "timeout_s": COUNT},
)
NODES = st.just([{"key": "a", "job": "x"}, {"key": "b", "job": "x", "retries": 2, "x": 1.5}])
EDGE = {"source": "a", "target": "b"}
EDGES = st.sampled_from([[], [EDGE], [EDGE | {"on": "failure"}]])
ITEM = {"slug": st.just("item"), "name": NAME.map(lambda one: one[:50])}
TOLD: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "watches": st.fixed_dictionaries(ITEM, optional=WATCH | DUE),
    "probes": st.fixed_dictionaries(
        ITEM | DUE | {"target": HTTP | OTHERS},
        optional=WATCH | {"rechecks": st.integers(0, 5), "recheck_after_s": COUNT},
    ),
    "jobs": st.fixed_dictionaries(
        ITEM | {"action": HTTP | SCRIPT},
        optional=WATCH | DUE | RULES | {
            "max_attempts": COUNT, "backoff_s": COUNT,
            "lost_run": st.sampled_from(["fail", "rerun", "skip"]),
        },
    ),
    "workflows": st.fixed_dictionaries(
        ITEM | {"nodes": NODES, "edges": EDGES},
        optional=WATCH | DUE | RULES | {"timeout_s": COUNT, "webhook": st.booleans()},
    ),
}  # fmt: skip


def plan() -> Plan:
    """Return a plan in an empty workspace, but for a job."""
    nothing: dict[str, Any] = {one.name: {} for one in fields(Present)}
    known = {"workspace_id": 1, "at": AT, "vault": Vault(bytes(32)), "allowance": UNLIMITED,
             "least_isolation": "trusted"}  # fmt: skip
    nowhere: dict[str, Any] = {
        "door": None, "clock": SystemClock(), "vault": known["vault"], "record_pings": None,
        "base_url": "http://x.test/", "stopping": asyncio.Event(), "dialect": "sqlite",
        "scripts_on": True,
    }  # fmt: skip
    present = Present(**nothing | known)
    return Plan(present, Services(**nowhere), host(1), "x.yaml", kinds={"x": "job"})


PLAN = plan()


@pytest.mark.parametrize("kind", KINDS, ids=lambda one: one.section)
@given(data=st.data())
def test_what_is_told_is_asked_for_as_the_same(kind: Any, data: st.DataObject) -> None:
    spec = kind.asked(PLAN, data.draw(TOLD[kind.section]), None)
    told = kind.told(spec)
    assert "s3cret" not in str(told)
    (read_back,) = read(written({kind.section: [told]}))[kind.section]
    assert read_back == told
    again = kind.asked(PLAN, read_back, spec)
    assert again == spec
    assert kind.told(again) == told
