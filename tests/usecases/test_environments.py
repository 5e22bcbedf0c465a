"""The environment of one run: merged into that of its job, sealed, gone with its end."""

import pytest

from dogwatch.core.problems import Problem
from dogwatch.core.result import Outcome
from dogwatch.usecases import environments, runs
from tests.harness.house import House, after

SCRIPT = {"language": "bash", "source": "true", "env": {"A": "a", "B": "b"}}


def test_a_run_has_its_own_beside_that_of_its_job(house: House) -> None:
    house.job("sh", kind="script", schedule=None)
    run = house.trigger("sh", at=1)
    house.do(environments.give, house.vault, run.workspace_id, run.id, {"B": "mine", "C": "c"})
    (row,) = house.rows("environments")
    assert b"mine" not in row["sealed"]
    (work,) = house.claim(2, lane="script")
    assert {"B": "mine", "C": "c"}.items() <= work.action["env"].items()
    assert house.finish(work, 3, Outcome.FAIL)
    assert house.rows("environments") == []


def test_it_goes_with_a_run_that_is_cancelled(house: House) -> None:
    house.job("sh", kind="script", schedule=None)
    run = house.trigger("sh", at=1)
    house.do(environments.give, house.vault, run.workspace_id, run.id, {"B": "mine"})
    house.do(runs.cancel, run.workspace_id, run.id, "no more", after(2))
    assert house.rows("environments") == []


def test_what_no_script_can_have_is_named() -> None:
    environments.check("script", SCRIPT, {"B": "2"})
    for env in ({"1": "a"}, {"LD_PRELOAD": "a"}, {"A": "\0"}, {f"N{n}": "" for n in range(64)}):
        with pytest.raises(Problem) as told:
            environments.check("script", SCRIPT, env)
        assert {name.partition(".")[0] for name in told.value.fields} == {"env"}
    with pytest.raises(Problem, match="for scripts"):
        environments.check("http", {"url": "http://x"}, {"A": "b"})
