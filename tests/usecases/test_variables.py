"""Variables on both databases: sealed for their row, atomic by key, with who uses them."""

import threading
from typing import Any

import pytest
from sqlalchemy import update

from dogwatch.core.problems import Problem
from dogwatch.core.variable import PER_WORKSPACE
from dogwatch.store import workspaces as stored
from dogwatch.store.tables import metadata
from dogwatch.usecases import variables, workspaces
from dogwatch.usecases.variables import Use
from tests.harness.house import House, after

TABLE = metadata.tables["variables"]


def put(house: House, key: str, value: str, at: float = 0, **more: Any) -> None:
    house.do(variables.put, house.vault, house.workspace.id, key, value, after(at), **more)


def value(house: House, key: str, workspace_id: int | None = None) -> str | None:
    return house.see(variables.value, house.vault, workspace_id or house.workspace.id, key)


def uses(house: House) -> dict[str, list[Use]]:
    found = house.see(variables.page, house.workspace.id, 100, "")
    return {key: list(some) for key, some in house.see(variables.uses, found).items()}


def test_a_variable_is_made_changed_and_removed(house: House) -> None:
    put(house, "KEY", "öne\n\n", description="words")
    put(house, "KEY", "two hundred", at=9)
    found = house.see(variables.find, house.workspace.id, "KEY")
    assert (value(house, "KEY"), found.description) == ("two hundred", "words")
    assert (found.created_at, found.updated_at) == (after(0), after(9))
    assert "two hundred" not in repr(house.everything())
    house.do(variables.describe, house.workspace.id, "KEY", "other", after(10))
    assert house.rows("variables")[0]["description"] == "other"
    house.do(variables.remove, house.workspace.id, "KEY")
    assert value(house, "KEY") is None
    for verb in (variables.remove, variables.find):
        with pytest.raises(Problem, match="no variable 'KEY'"):
            house.do(verb, house.workspace.id, "KEY")


def test_a_value_opens_in_its_own_row_alone(house: House) -> None:
    put(house, "MINE", "mine")
    put(house, "OTHER", "other")
    sealed = {row["key"]: row["sealed"] for row in house.rows("variables")}
    house.plant(update(TABLE).where(TABLE.c.key == "MINE").values(sealed=sealed["OTHER"]))
    with pytest.raises(Problem, match="moved to another row"):
        value(house, "MINE")
    assert value(house, "OTHER") == "other"


def test_workspaces_have_variables_of_their_own(house: House) -> None:
    other = house.do(workspaces.make, "Other", after(0))
    put(house, "KEY", "ours")
    assert value(house, "KEY", other.id) is None
    house.do(variables.put, house.vault, other.id, "KEY", "theirs", after(0))
    assert (value(house, "KEY"), value(house, "KEY", other.id)) == ("ours", "theirs")
    house.do(stored.remove, other.id)
    assert [row["workspace_id"] for row in house.rows("variables")] == [house.workspace.id]


def test_a_workspace_has_only_so_many(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variables, "PER_WORKSPACE", 2)
    put(house, "A", "1")
    put(house, "B", "1")
    with pytest.raises(Problem, match="at most 2"):
        put(house, "C", "1")
    put(house, "A", "2")
    assert (value(house, "A"), PER_WORKSPACE) == ("2", 10_000)


def test_writers_at_once_lose_nothing(house: House) -> None:
    """Each writes keys of its own, and all of them one key that is new."""
    keys = [f"K{n}" for n in range(8)]

    def write(key: str) -> None:
        for turn in range(5):
            put(house, key, f"{key} {turn}")
            put(house, "SHARED", key)

    threads = [threading.Thread(target=write, args=[key]) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {key: value(house, key) for key in keys} == {key: f"{key} 4" for key in keys}
    assert value(house, "SHARED") in keys
    assert len(house.rows("variables")) == 9


def test_who_uses_a_variable_is_known(house: House) -> None:
    for key in ("A", "B", "C"):
        put(house, key, "1")
    job = house.job(kind="script", action={"language": "bash", "source": "cronium.getVariable A"})
    house.do(variables.note_uses, house.workspace.id, job.id, ["B"], ["A"], after(5))
    house.do(variables.note_uses, house.workspace.id, job.id, ["B"], [], after(6))
    assert uses(house) == {
        "A": [Use("A", job.id, "job", True, None, after(5))],
        "B": [Use("B", job.id, "job", False, after(6), None)],
        "C": [],
    }
