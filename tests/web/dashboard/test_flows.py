"""The page of a workflow: in which order, and where it stopped."""

import re
from html import unescape

import pytest

from dogwatch.core.policy import Role
from dogwatch.core.result import Outcome
from dogwatch.core.workflow.graph import MAX_NODES
from dogwatch.usecases import runs, workflows
from tests.harness.flowing import Flowing
from tests.harness.house import House as Engine
from tests.harness.house import after
from tests.web.dashboard.conftest import Browser, House, hidden_in, member, pass_time


@pytest.fixture
def flowing(house: House, ana: Browser) -> Flowing:
    """Workflows in Ana's workspace."""
    return Flowing(Engine(house.database, house.services.vault))


def label(page: str) -> str:
    """Return the picture in words."""
    found = re.search(r'<svg class="flow"[^>]* aria-label="([^"]*)"', page)
    assert found
    return unescape(found[1])


def nodes(page: str) -> dict[str, str]:
    """Return what the text says of each node."""
    rows = re.findall(
        r"<tr>\n<td>(.*?)</td>\n<td>.*?</td>\n<td>.*?</td>\n<td>(.*?)</td>", page, re.S
    )
    return {re.sub(r"<[^>]*>", "", name): words for name, words in rows}


def test_before_its_first_run_it_tells_the_order(flowing: Flowing, ana: Browser) -> None:
    flowing.make("load>check, check>mail?failure")
    page = ana.get("/flows/flow").text
    assert "It has not run yet" in page
    assert label(page) == "3 nodes: load, check, mail"
    assert '<span class="hint">(failure)</span>' in page
    assert ">on failure</text>" in page
    assert 'href="../flows/flow"' in ana.get("/i/flow").text


def test_it_tells_where_it_stopped(flowing: Flowing, ana: Browser) -> None:
    flowing.make("load>check, check>send, check>mail?failure")
    flowing.trigger()
    first = ana.get("/flows/flow").text
    assert nodes(first) == {
        "load": "Running",
        "check": "Waiting",
        "send": "Waiting",
        "mail": "Waiting",
    }
    flowing.play(5, check=Outcome.FAIL)
    page = ana.get("/flows/flow").text
    told = nodes(page)
    assert told["load"].startswith("OK")
    assert re.fullmatch("Failed.*, handled", told["check"])
    assert told["send"] == "Not reached"
    assert label(page).startswith("load: OK")
    assert page.count('class="edge failure taken"') == 1
    assert '"node fail"' in page


def test_a_node_that_is_tried_again_says_when(house: House, flowing: Flowing, ana: Browser) -> None:
    flowing.make("load>check", nodes={"load": {"retries": 1}})
    flowing.trigger()
    work = flowing.claim(1)["load"]
    flowing.finish(work, 2, Outcome.FAIL, reason="boom")
    page = ana.get("/flows/flow").text
    assert re.search(r"Running, waits for attempt 2 at <time[^>]*>", page)
    assert "attempt 1: boom" in page
    assert "It waits for attempt 2 at" in ana.get(f"/runs/{work.run.id}").text
    pass_time(house, 20)
    flowing.play(30)
    assert "<td>OK</td>\n<td>attempt 2</td>" in ana.get("/flows/flow").text
    assert "<td>attempt 2</td>" in ana.get("/i/job-load").text


def test_from_a_node_on_it_runs_again(house: House, flowing: Flowing, ana: Browser) -> None:
    flowing.make("load>check")
    run = flowing.trigger('{"day": 1}')
    flowing.play(5, check=Outcome.FAIL)
    pass_time(house, 10)
    assert f'href="../flows/flow?run={run.id}">The run that failed' in ana.get("/i/flow").text
    answer = ana.fill("/flows/flow", "/flows/flow/rerun", run=run.id, node="check")
    assert answer.status == 303, answer.text
    flowing.conduct(10)
    assert flowing.play(11) == ["check"]
    page = ana.get("/flows/flow").text
    assert "from check on" in page
    assert nodes(page)["check"].startswith("OK")
    older = ana.get("/flows/flow", run=run.id).text
    assert nodes(older)["check"].startswith("Failed")
    unknown = ana.fill("/flows/flow", "/flows/flow/rerun", run=run.id, node="nothing")
    assert unknown.status in (404, 409, 422)


def test_an_old_version_comes_back(flowing: Flowing, ana: Browser) -> None:
    house = flowing.house
    flowing.make("a>b")
    house.on("flow", workflows.edit, flowing.definition("a>c"), house.vault, after(1), "ann")
    page = ana.get("/flows/flow").text
    assert "changes</summary>" in page
    assert ana.fill("/flows/flow", "/flows/flow/restore", version="1").status == 303
    assert label(ana.get("/flows/flow").text) == "2 nodes: a, b"
    for wrong in ("x", "9" * 30, "77"):
        assert ana.fill("/flows/flow", "/flows/flow/restore", version=wrong).status in (404, 422)


def test_a_run_that_is_going_is_cancelled(house: House, flowing: Flowing, ana: Browser) -> None:
    flowing.make("a>b")
    run, path = flowing.trigger(), "/runs/{}/cancel"
    bob = member(house, Role.VIEWER)
    assert "/cancel" not in bob.get("/flows/flow").text + bob.get(f"/runs/{run.id}").text
    answer = ana.fill("/flows/flow", path.format(run.id))
    assert answer.headers["location"] == f"../../flows/flow?run={run.id}"
    assert flowing.ended(run)[0] == "skipped"
    assert "/cancel" not in ana.get("/flows/flow").text
    token = hidden_in(ana.get("/flows/flow").text, "/i/flow/run")["token"]
    again = ana.post(path.format(run.id), token=token)
    assert (again.status, "has ended already" in again.text) == (409, True)
    alone = flowing.house.trigger("job-a")
    assert path.format(alone.id) in ana.get("/i/job-a").text
    gone = ana.fill(f"/runs/{alone.id}", path.format(alone.id))
    assert gone.headers["location"] == f"../../runs/{alone.id}"
    assert flowing.ended(alone)[0] == "skipped"


def test_no_edge_crosses_a_box(flowing: Flowing, ana: Browser) -> None:
    flowing.make("fetch>load, load>tell, tell>finish, fetch>finish, fetch>finish?failure")
    page = ana.get("/flows/flow").text
    drawn = re.findall(r'<rect x="([\d.]+)" y="([\d.]+)" width="(\d+)" height="(\d+)"', page)
    boxes = [tuple(map(float, one)) for one in drawn]
    paths = re.findall(r'<path d="M([\d.]+) ([\d.]+)(V[^"]*)"', page)
    assert (len(boxes), len(paths)) == (4, 5)
    for x, y, path in paths:
        at = float(x), float(y)
        for down, *end in re.findall(r"V([\d.]+)C[^VC]* ([\d.]+) ([\d.]+)(?=V|$)", path):
            to = float(end[0]), float(end[1])
            for left, top, wide, high in boxes:
                beside = not left <= at[0] <= left + wide
                assert beside or top >= float(down) or at[1] >= top + high  # straight down
                assert top >= to[1] or float(down) >= top + high  # between two layers
            at = to


def test_an_edge_is_taken_once_its_target_is_reached(flowing: Flowing, ana: Browser) -> None:
    flowing.make("a>c, b>c, c>d")
    run = flowing.trigger()
    works = flowing.claim(1)
    flowing.finish(works["a"], 2)
    assert ' taken"' not in ana.get("/flows/flow").text
    flowing.finish(works["b"], 3)
    assert ana.get("/flows/flow").text.count('class="edge success taken"') == 2
    flowing.house.do(runs.cancel, run.workspace_id, run.id, "enough", after(4))
    assert ana.get("/flows/flow").text.count('class="edge success taken"') == 2


def test_a_viewer_only_looks(house: House, flowing: Flowing, ana: Browser) -> None:
    flowing.make("a>b")
    run = flowing.trigger()
    flowing.play(1)
    bob = member(house, Role.VIEWER)
    page = bob.get("/flows/flow").text
    assert "Run from here" not in page
    assert "Run now" not in page
    token = hidden_in(bob.get("/account").text, "/account/name")["token"]
    assert bob.post("/flows/flow/rerun", token=token, run=run.id).status == 403
    assert bob.post("/flows/flow/restore", token=token, version="1").status == 403


def test_what_is_no_workflow_has_no_flow(flowing: Flowing, ana: Browser) -> None:
    flowing.make("a>b")
    other = flowing.house.trigger("job-a")
    for path, query in (
        ("/flows/job-a", {}),
        ("/flows/none", {}),
        ("/flows/flow", {"run": other.id}),
    ):
        assert ana.get(path, **query).status == 404


def test_the_greatest_graph_is_drawn(flowing: Flowing, ana: Browser) -> None:
    flowing.make(",".join(f"n{one}>n{one + 1}" for one in range(20)))
    page = ana.get("/flows/flow").text
    assert page.count('class="node"') == 21 <= MAX_NODES


def text_in(page: str) -> str:
    found = re.search(r"<textarea[^>]*>(.*?)</textarea>", page, re.S)
    assert found
    return unescape(found[1])


def test_a_flow_is_made_and_changed_as_text(flowing: Flowing, ana: Browser) -> None:
    flowing.house.job("fetch", schedule=None, kind="script")
    begun = text_in(ana.get("/flows/new").text).replace("fetch-orders", "fetch")
    made = ana.fill("/flows/new", "/flows/new", text=begun)
    assert (made.status, made.headers["location"]) == (303, "../flows/nightly-orders")
    page = ana.get("/flows/nightly-orders/edit").text
    text = text_in(page)
    assert label(page) == "2 nodes: fetch, load"
    changed = text.replace("key: load", "key: store").replace("target: load", "target: store")
    path = "/flows/nightly-orders/edit"
    assert ana.fill(path, path, text=changed.replace("\n", "\r\n")).status == 303
    assert label(ana.get("/flows/nightly-orders").text) == "2 nodes: fetch, store"
    assert text_in(ana.get(path).text) == changed


def test_a_wrong_text_is_kept_and_told_by_line(flowing: Flowing, ana: Browser) -> None:
    flowing.make("a>b")
    path = "/flows/flow/edit"
    page = ana.get(path).text
    text, hidden = text_in(page), hidden_in(page, path)
    wrong = {
        "name: [": "line 1, column 8",
        text.replace("target: b", "target: c"): ", edges.0.target: there is no node",
        text.replace("job: job-a", "job: gone"): "nodes.0.job: there is no job",
        "[" * 50_000: "is no YAML",
        "x" * 70_000: "is too long",
        "name: x\nnodes: 3": "line 2, nodes: must be a list",
        "": "body: must be an object",
        "a: &x [1]\nb: *x": "line 2, column 4: write it out",
        f"name: x\ntimeout_s: {'9' * 60_000}": "can be read: a number is too long",
        "a: " + "[" * 5_000 + "]" * 5_000: "can be read: it is nested too deeply",
        "name: !!timestamp abc": "can be read: it holds a value that cannot be read here",
        "webhook: !!bool 5": "can be read: it holds a value that cannot be read here",
        'name: "\\ud800"': "is no YAML: line 1, column 10",
        'name: "\\0"': "holds a NUL",
        "name: x\n" + "".join(f"k{one}: 1\n" for one in range(500)): "line 20, k18: is not a field",
    }
    for sent, told in wrong.items():
        answer = ana.fill(path, path, text=sent)
        assert answer.status == 422
        assert told in unescape(answer.text), answer.text[-3_000:]
        assert text_in(answer.text).strip("\n") == sent.strip("\n")
        shown = ana.post("/flows/preview", **hidden, text=sent)
        assert (shown.status, told in unescape(shown.text)) == (200, True)
    assert "hidden" in ana.post("/flows/preview", **hidden, text=text).text
    assert len(flowing.house.on("flow", workflows.versions, 10)) == 1


def test_a_viewer_edits_no_text(house: House, flowing: Flowing, ana: Browser) -> None:
    flowing.make("a>b")
    bob = member(house, Role.VIEWER)
    token = hidden_in(bob.get("/account").text, "/account/name")["token"]
    for path in ("/flows/flow/edit", "/flows/new", "/flows/preview"):
        assert bob.post(path, token=token, text="name: x").status == 403
    assert bob.get("/flows/flow/edit").status == 403
    assert ana.post("/flows/preview", token="x", text="name: x").status == 403


def test_the_graph_has_addresses_of_its_own(flowing: Flowing, ana: Browser) -> None:
    flowing.make("load>check, check>mail?failure")
    drawn = ana.get("/flows/flow/graph.svg")
    assert drawn.headers["content-type"].startswith("image/svg+xml")
    assert "sandbox" in drawn.headers["content-security-policy"]
    told = ana.get("/flows/flow/graph.json").json
    assert [one["source"] for one in told["edges"]]
    assert {"key", "job", "state", "words", "critical"} == set(told["nodes"][0])
    assert "../flows/flow/graph.svg" in ana.get("/flows/flow").text
    assert ana.get("/flows/other/graph.svg").status == 404
