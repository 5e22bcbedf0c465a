"""workflow ls, show, run, export, validate, apply, versions, diff, restore, cancel and rm."""

import json
from pathlib import Path
from typing import Any

import pytest

from dogwatch.core.states import marked
from dogwatch.core.workflow.definition import to_json
from dogwatch.core.workflow.reading import FIELDS, read
from dogwatch.core.workflow.text import loaded, written
from tests.cli.stub import Here, Stub

RUN: dict[str, Any] = {
    "id": "01kam3v7t0000000000000000a", "state": "done", "outcome": "fail", "watch_id": "w1",
    "reason": "load failed: boom", "duration_ms": 3_000, "cancel_reason": None,
}  # fmt: skip
NODES = [{"key": "fetch", "job": "fetch"}, {"key": "load", "job": "load-orders"}]
EDGES = [{"source": "fetch", "target": "load", "on": "success"}]
DEFINITION: dict[str, Any] = {
    "name": "Orders: ünd", "slug": "orders", "tags": ["yes", "on", "1.5", "null"],
    "schedule": "0 3 * * *", "starts_at": "2036-01-01T00:00:00+00:00", "timeout_s": 60,
    "nodes": NODES, "edges": EDGES,
}  # fmt: skip
WORKFLOW: dict[str, Any] = {
    "id": "w1", "slug": "orders", "name": "Orders", "kind": "workflow", "status": "down",
    "version": 3, "schedule_english": "Every day at 03:00", "next_due_at": None, "late": False,
    "running": 0, "last_run": RUN, "nodes": NODES, "edges": EDGES,
}  # fmt: skip
STEPS = [
    {"node": "fetch", "state": "done", "outcome": "ok", "reason": "", "handled": False,
     "run": {"duration_ms": 1_500}},
    {"node": "load", "state": "done", "outcome": "fail", "reason": "boom", "handled": True,
     "run": None},
]  # fmt: skip
PATH = "/api/v1/workflows"


@pytest.fixture
def told(stub: Stub) -> Stub:
    """The stub with one workflow."""
    version = {"number": 3, "made_at": "2026-11-20T02:00:00Z", "made_by": "ann"}
    changed = {"field": "schedule", "before": None, "after": "0 3 * * *"}
    stub.replies |= {
        f"GET {PATH}": (200, {"data": [WORKFLOW], "next_cursor": None}),
        f"GET {PATH}/orders": (200, WORKFLOW),
        f"POST {PATH}": (201, WORKFLOW),
        f"PATCH {PATH}/orders": (200, WORKFLOW | {"version": 4}),
        f"POST {PATH}/orders/trigger": (202, RUN | {"state": "queued"}),
        f"GET /api/v1/runs/{RUN['id']}/tree": (200, {"steps": STEPS}),
        f"POST /api/v1/runs/{RUN['id']}/cancel": (202, RUN | {"outcome": None}),
        f"GET {PATH}/orders/versions": (200, {"data": [version], "next_cursor": None}),
        f"GET {PATH}/orders/versions/3": (200, version | {"definition": DEFINITION}),
        f"GET {PATH}/orders/diff": (200, {"differences": [changed]}),
        f"POST {PATH}/orders/versions/1/restore": (200, WORKFLOW | {"version": 4}),
        f"DELETE {PATH}/orders": (204, None),
    }
    return stub


def test_ls_and_show(here: Here, told: Stub) -> None:
    assert (
        "orders  ✕ Down  3        2      ✕ Failed after 3.0 s: load failed: boom"
        in here("workflow", "ls").stdout
    )
    out = here("workflow", "show", "orders").stdout
    assert out.endswith(
        "\n\n✓ fetch  fetch  OK in 1.5 s\n└─ success ─▶ load\n\n"
        "✕ load   load-orders  Failed: boom (handled)\n"
    )


@pytest.mark.parametrize(("outcome", "code"), [("ok", 0), ("fail", 1)])
def test_a_followed_run_tells_its_outcome(here: Here, told: Stub, outcome: str, code: int) -> None:
    assert here("workflow", "run", "orders").stdout == f"{RUN['id']} queued\n"
    end = f"event: end\ndata: {json.dumps(RUN | {'outcome': outcome})}\n\n"
    told.replies[f"GET /api/v1/runs/{RUN['id']}/output/stream"] = (200, end)
    done = here("workflow", "run", "orders", "--follow")
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(f"dogwatch: {marked(outcome)} after 3.0 s")


def test_rerun(here: Here, told: Stub) -> None:
    told.replies |= {
        "GET /api/v1/runs": (200, {"data": [RUN], "next_cursor": None}),
        f"POST /api/v1/runs/{RUN['id']}/rerun": (202, RUN | {"id": "new", "state": "queued"}),
    }
    assert here("workflow", "rerun", "orders", "--from", "load").stdout == "new queued\n"
    assert json.loads(told.requests[-1].body) == {"node": "load"}
    assert here("workflow", "rerun", RUN["id"]).stdout == "new queued\n"
    assert json.loads(told.requests[-1].body) == {}


def test_run_and_cancel(here: Here, told: Stub) -> None:
    assert here("workflow", "run", "orders", "--input", '{"day": 1}').stdout == (
        f"{RUN['id']} queued\n"
    )
    assert json.loads(told.requests[-1].body) == {"input": '{"day": 1}'}
    done = here("workflow", "cancel", "orders", "--reason", "no")
    assert done.stdout == f"{RUN['id']} is being stopped\n"


def test_what_is_exported_is_applied_exactly(here: Here, told: Stub, tmp_path: Path) -> None:
    out = here("workflow", "export", "orders").stdout
    assert "on: success" in out
    file = tmp_path / "orders.yaml"
    file.write_text(out)
    assert here("workflow", "validate", str(file)).stdout == (f"{file}: good, 2 nodes and 1 edge\n")
    assert here("workflow", "apply", str(file)).stdout == "orders: changed, version 4\n"
    sent = json.loads(told.requests[-1].body)
    assert {name: value for name, value in sent.items() if value is not None} == DEFINITION
    assert sent.keys() == set(FIELDS)
    assert written(to_json(read(loaded(file.read_text())))) == out


def test_apply_makes_what_is_not_there(here: Here, told: Stub, tmp_path: Path) -> None:
    file = tmp_path / "new.yaml"
    file.write_text("name: New Flow\nnodes:\n- {key: a, job: one}\n")
    told.replies[f"GET {PATH}/new-flow"] = (404, {"detail": "there is no watch"})
    assert here("workflow", "apply", str(file)).stdout == "orders: made, version 3\n"
    assert json.loads(told.requests[-1].body) == {
        "name": "New Flow", "slug": "new-flow", "nodes": [{"key": "a", "job": "one"}], "edges": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "told_of"),
    [
        ("name: [", "is no YAML"),
        ("name: x\nnodes: []\nname: y", "bad.yaml:3: FILE: is no YAML: "),
        ("- a", "must be an object"),
        ("name: x\nnodes: [{key: a, job: b}]\nedges: [{source: a, target: a}]", "follow itself"),
        ("name: x\ncolour: red", "bad.yaml:2: colour: is not a field here"),
        ("slug: No\ncolour: red", "bad.yaml: 3 faults"),
    ],
)
def test_validate_refuses(here: Here, told: Stub, tmp_path: Path, text: str, told_of: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    done = here("workflow", "validate", str(file))
    assert (done.returncode, told.requests) == (2, [])
    assert told_of in done.stderr
    assert here("workflow", "validate", str(tmp_path / "none")).returncode == 2


def test_versions(here: Here, told: Stub) -> None:
    assert (
        "3       Fri 2026-11-20 02:00:00 UTC  ann" in here("workflow", "versions", "orders").stdout
    )
    assert here("workflow", "diff", "orders", "1").stdout == '+ schedule: "0 3 * * *"\n'
    assert here("workflow", "restore", "orders", "1").stdout == "orders: version 4 is 1\n"
    assert here("workflow", "rm", "orders", "--yes").stdout == "orders is deleted\n"
