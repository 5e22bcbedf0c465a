"""The desk of a run on both databases: what a script asks is answered while the run is ours."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from dogwatch.core.helper import NOTHING, Reply
from dogwatch.core.problems import Problem
from dogwatch.core.result import Outcome
from dogwatch.core.run import LostRun
from dogwatch.store import results
from dogwatch.usecases import runs, variables, watches, workspaces
from dogwatch.usecases.desk import Desk, Desks
from dogwatch.usecases.runs import Work
from tests.harness.clock import ManualClock
from tests.harness.house import House, after

T = TypeVar("T")


@pytest.fixture
def work(house: House, manual_clock: ManualClock) -> Work:
    """A run of a script, claimed."""
    house.join("node-a")
    return begun(house)


def begun(house: House, at: float = 0, given: str = "", **job: Any) -> Work:
    house.job(kind="script", max_attempts=3, lost_run=LostRun.RERUN, backoff_s=0, **job)
    house.trigger(at=at, given=given)
    return house.claim(at, lane="script")[0]


def at_desk(
    house: House, work: Work, fn: Callable[[Desk], Awaitable[T]], secrets: list[str] | None = None
) -> T:
    """Do something at the desk of a run."""
    told = [] if secrets is None else secrets

    async def sat() -> T:
        desks = Desks(house.database, house.vault, ManualClock())
        async with desks.opened(work, told.append) as desk:
            assert desks.find(desk.token) is desk
            return await fn(desk)

    return asyncio.run(sat())


def ask(house: House, work: Work, operation: str, *args: str) -> Reply:
    return at_desk(house, work, lambda desk: desk.ask(operation, args))


def test_variables_are_read_and_set(house: House, work: Work) -> None:
    secrets: list[str] = []

    async def talk(desk: Desk) -> list[Reply]:
        return [
            await desk.ask(*said)
            for said in (
                ("getVariable", ["KEY"]),
                ("setVariable", ["KEY", "välue\n\n"]),
                ("getVariable", ["KEY"]),
                ("getVariable", ["no key/at all"]),
            )
        ]

    assert at_desk(house, work, talk, secrets) == [
        NOTHING, NOTHING, Reply("text", "välue\n\n"), NOTHING
    ]  # fmt: skip
    assert secrets[1:] == ["välue\n\n", "välue\n\n"]
    assert house.see(variables.value, house.vault, house.workspace.id, "KEY") == "välue\n\n"
    noted = [(row["key"], row["read_at"] is None) for row in house.rows("variable_uses")]
    assert noted == [("KEY", False)]


def test_what_a_run_hands_on_is_kept(house: House, work: Work) -> None:
    async def talk(desk: Desk) -> list[Reply]:
        await desk.ask("output", ["first"])
        await desk.ask("output", ['{"a": 1}'])
        before = await desk.ask("getCondition", [])
        await desk.ask("setCondition", ["no"])
        return [before, await desk.ask("getCondition", [])]

    assert at_desk(house, work, talk) == [NOTHING, Reply("json", "false")]
    assert house.see(results.get, house.workspace.id, work.run.id) == results.Handed(
        '{"a": 1}', False
    )


async def hand_on_json(desk: Desk) -> None:
    creds = '{"user": "bob", "password": "hunter22xyz"}'
    await desk.ask("setVariable", ["CREDS", creds])
    await desk.ask("setVariable", ["PIN", "73914628"])
    await desk.ask("output", [f'{{"creds": {creds}, "pin": 73914628}}'])


def test_people_see_no_secret_of_what_is_handed_on(house: House, work: Work) -> None:
    async def sat() -> None:
        desks = Desks(house.database, house.vault, ManualClock())
        async with desks.opened(work, lambda _: None, ["of-its-env"]) as desk:
            await desk.ask("setVariable", ["KEY", "a-variable"])
            said = json.dumps({"of-its-env": ["a-variable", desk.token], "n": 1})
            await desk.ask("output", [said])
            kept.append(said)

    kept: list[str] = []
    asyncio.run(sat())
    handed = house.see(results.get, house.workspace.id, work.run.id)
    assert (handed.output, handed.shown) == (kept[0], '{"***":["***","***"],"n":1}')
    at_desk(house, work, hand_on_json)
    handed = house.see(results.get, house.workspace.id, work.run.id)
    assert handed.shown == '{"creds":"***","pin":"***"}'
    ask(house, work, "output", "[ 1 ]")
    handed = house.see(results.get, house.workspace.id, work.run.id)
    assert (handed.output, handed.shown, handed.masked) == ("[ 1 ]", "[ 1 ]", None)


@pytest.mark.parametrize(
    ("given", "told"),
    [("", "{}"), ('{"day": 1}', '{"day": 1}'), ("5", "5"), ("words", '"words"')],
)
def test_the_input_is_json(house: House, given: str, told: str) -> None:
    house.join("node-a")
    assert ask(house, begun(house, given=given), "input") == Reply("json", told)


def test_a_job_has_an_input_for_runs_that_have_none(house: House) -> None:
    house.join("node-a")
    action = {"language": "bash", "source": "true", "input": {"day": [1, "ü"]}}
    work = begun(house, action=action)
    assert ask(house, work, "input").body == '{"day":[1,"ü"]}'
    house.finish(work, 1)
    house.trigger(at=1, given="mine")
    assert ask(house, house.claim(1, lane="script")[0], "input").body == '"mine"'


def test_the_event_is_told(house: House, work: Work) -> None:
    house.finish(work, 1, Outcome.FAIL, retryable=False)
    house.trigger(at=2)
    again = house.claim(2, lane="script")[0]
    told = ask(house, again, "event")
    last = '"lastRunAt":"2026-01-05T12:00:00+00:00"'
    run = f'"executionId":"{again.run.id}"'
    for part in (
        '"name":"job"', '"type":"BASH"', '"failureCount":1', '"successCount":0', run, last
    ):  # fmt: skip
        assert part in told.body


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (("setVariable", "a b", "1"), "key"),
        (("setVariable", "KEY", "x" * 10_001), "10000 characters"),
        (("setVariable", "KEY", "nul\0"), "NUL"),
        (("setVariable", "KEY"), "takes 2 arguments, not 1"),
        (("output", '"' + "x" * 1_000_000 + '"'), "1000000 bytes"),
        (("explode",), "no helper 'explode'"),
        (("_fence",), "no helper"),
    ],
)
def test_what_cannot_be_is_refused(
    house: House, work: Work, said: tuple[str, ...], why: str
) -> None:
    with pytest.raises(Problem, match=why):
        ask(house, work, *said)
    assert house.rows("variables") == house.rows("results") == []


# --- fencing ----------------------------------------------------------------------------------

SAID = (
    ("setVariable", "KEY", "zombie"), ("output", "1"), ("setCondition", "1"), ("input",),
    ("getVariable", "KEY"), ("event",), ("getCondition",),
)  # fmt: skip


def refused(house: House, work: Work) -> None:
    """See that everything that the run asks is refused, and nothing of it done."""
    for said in SAID:
        with pytest.raises(Problem, match="ended here") as caught:
            ask(house, work, *said)
        assert caught.value.kind == "refused"
    assert house.rows("variables") == house.rows("results") == []


def test_a_run_that_was_taken_over_is_fenced(house: House, work: Work) -> None:
    """Its node is dead to the others; it comes back while the next attempt runs elsewhere."""
    house.do(runs.lost, {"node-a"}, after(10))
    refused(house, work)
    (again,) = house.claim(10, node="node-b", lane="script")
    refused(house, work)
    assert ask(house, again, "setVariable", "KEY", "living") == NOTHING
    assert ask(house, again, "getVariable", "KEY") == Reply("text", "living")


def test_a_run_that_has_ended_is_fenced(house: House, work: Work) -> None:
    house.finish(work, 1)
    refused(house, work)


def test_a_run_whose_job_is_gone_is_fenced(house: House, work: Work) -> None:
    house.on("job", watches.remove)
    refused(house, work)


def test_a_desk_closes_for_good(house: House, work: Work) -> None:
    desks = Desks(house.database, house.vault, ManualClock())

    async def leave() -> Desk:
        async with desks.opened(work, lambda _: None) as desk:
            pass
        with pytest.raises(Problem, match="ended here"):
            await desk.ask("setVariable", ["KEY", "1"])
        return desk

    assert desks.find(asyncio.run(leave()).token) is None
    assert house.rows("variables") == []


def test_the_next_attempt_begins_with_nothing(house: House, work: Work) -> None:
    ask(house, work, "output", "half")
    assert house.finish(work, 1, Outcome.FAIL)
    (again,) = house.claim(1, lane="script")
    assert again.task.attempt == 2
    assert house.rows("results") == []


def test_a_run_reaches_its_own_workspace_alone(house: House, work: Work) -> None:
    other = house.do(workspaces.make, "Other", after(0))
    house.do(variables.put, house.vault, other.id, "KEY", "theirs", after(0))
    assert ask(house, work, "getVariable", "KEY") == NOTHING
    ask(house, work, "setVariable", "KEY", "ours")
    assert house.see(variables.value, house.vault, other.id, "KEY") == "theirs"
