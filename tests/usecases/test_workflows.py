"""Workflows: saved in versions, compared, restored; their jobs, their webhooks."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dogwatch.core.problems import Problem
from dogwatch.core.spec import WatchSpec
from dogwatch.core.workflow.definition import Definition
from dogwatch.core.workflow.graph import Graph, Node
from dogwatch.usecases import keyring, workflows
from dogwatch.usecases.workflows import hooked, webhook_of
from tests.harness.flowing import Flowing
from tests.harness.house import House, after

# What differs between the two databases is told by the other tests.
alone = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def flowing(house: House) -> Flowing:
    """Workflows in a house."""
    return Flowing(house)


def numbers(flowing: Flowing) -> list[int]:
    found = flowing.house.on("flow", workflows.versions, 10)
    return [version.number for version in found]


def test_every_save_that_changes_anything_is_a_version(flowing: Flowing) -> None:
    house = flowing.house
    record = flowing.make("a>b", description="one")
    assert (record.kind, numbers(flowing)) == ("workflow", [1])
    same = flowing.definition("a>b", description="one")
    house.on("flow", workflows.edit, same, house.vault, after(1), "ann")
    assert numbers(flowing) == [1]
    for description, edges in (("two", "a>b"), ("two", "a>b?failure, a>c")):
        changed = flowing.definition(edges, description=description)
        house.on("flow", workflows.edit, changed, house.vault, after(2), "ann")
    assert numbers(flowing) == [3, 2, 1]
    third = house.on("flow", workflows.version, 3)
    assert (third.made_by, third.made_at) == ("ann", after(2))
    told = house.on("flow", workflows.diff, 1, 3)
    assert {one.field: (one.before, one.after) for one in told} == {
        "description": ("one", "two"),
        "nodes.c": (None, "c"),
        "nodes.c.job": (None, "job-c"),
        "edges.a → b": (["success"], ["failure"]),
        "edges.a → c": (None, ["success"]),
    }


@alone
def test_an_old_version_is_saved_anew(flowing: Flowing) -> None:
    house = flowing.house
    flowing.make("a>b", schedule="0 3 * * *")
    house.on("flow", workflows.edit, flowing.definition("b>a"), house.vault, after(1))
    record = house.on("flow", workflows.restore, 1, house.vault, after(2), "bob")
    assert (record.schedule, numbers(flowing)) == ("0 3 * * *", [3, 2, 1])
    assert house.on("flow", workflows.diff, 1, 3) == []
    with pytest.raises(Problem, match="no version 9"):
        house.on("flow", workflows.restore, 9, house.vault, after(3))


@alone
def test_jobs_are_found_by_slug_and_kept_by_id(flowing: Flowing) -> None:
    house = flowing.house
    flowing.make("a>b")
    definition = house.on("flow", workflows.definition_of)
    assert [node.job for node in definition.graph.nodes] == [
        house.find(slug).id for slug in ("job-a", "job-b")
    ]
    named = house.see(workflows.named, house.workspace.id, definition)
    assert [node.job for node in named.graph.nodes] == ["job-a", "job-b"]


@alone
def test_all_that_is_wrong_is_told_at_once(flowing: Flowing) -> None:
    house = flowing.house
    house.watch("beat")
    flowing.make("a>b")
    nodes = (Node("a", "nobody"), Node("b", "beat"), Node("c", "flow"), Node("c", "job-a"))
    bad = Definition(WatchSpec(name="x"), Graph(nodes), timeout_s=0)
    with pytest.raises(Problem) as problem:
        house.do(workflows.add, house.workspace.id, bad, house.vault, after(0))
    assert problem.value.fields == {
        "nodes.3.key": "c is there already",
        "timeout_s": "give 1 to 2678400 seconds (31 days)",
        "nodes.0.job": "there is no job 'nobody'",
        "nodes.1.job": "beat is a heartbeat, not a job",
        "nodes.2.job": "flow is a workflow, not a job",
    }


@alone
def test_a_webhook_is_found_by_its_key_alone(flowing: Flowing) -> None:
    house = flowing.house
    record = flowing.make("a>b", webhook=True)
    hook = house.on("flow", webhook_of, house.vault)
    assert hook
    assert house.see(hooked, hook.key, house.vault) == record.key
    assert house.see(hooked, "x" * 27, house.vault) is None
    assert hook.key.encode() not in str(house.rows("workflows")).encode()
    other = house.on("flow", workflows.set_webhook, house.vault, key="k" * 16, signed=True)
    assert other.secret
    assert house.see(hooked, hook.key, house.vault) is None
    assert house.on("flow", webhook_of, house.vault) == other
    # another save keeps it, until it is to have none
    same = replace(flowing.definition("b>a"), webhook=True)
    house.on("flow", workflows.edit, same, house.vault, after(1))
    assert house.on("flow", webhook_of, house.vault) == other
    house.on("flow", workflows.edit, flowing.definition("b>a"), house.vault, after(2))
    assert house.see(hooked, other.key, house.vault) is None


def test_two_webhooks_never_share_a_key(flowing: Flowing) -> None:
    house = flowing.house
    flowing.make("a>b")
    flowing.make("a>b", slug="other")
    house.on("flow", workflows.set_webhook, house.vault, key="k" * 16)
    with pytest.raises(Problem, match="is taken"):
        house.on("other", workflows.set_webhook, house.vault, key="k" * 16)
    with pytest.raises(Problem, match="16 to 64"):
        house.on("other", workflows.set_webhook, house.vault, key="short")


@alone
def test_the_key_of_a_webhook_is_sealed_anew_with_the_others(flowing: Flowing) -> None:
    house = flowing.house
    flowing.make("a>b", webhook=True)
    hook = house.on("flow", webhook_of, house.vault)
    house.do(keyring.add_data_key, house.vault, after(1))
    house.do(keyring.reseal, house.vault, after(2))
    (row,) = house.rows("workflows")
    assert row["hook"].startswith(house.vault.head)
    assert house.on("flow", webhook_of, house.vault) == hook
    assert after(2) - after(1) == timedelta(seconds=1)
