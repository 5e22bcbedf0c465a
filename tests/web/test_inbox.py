"""The inbox: pings that arrive during a commit share the next one."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from dogwatch.core.ping import Answer, Heard
from dogwatch.core.problems import Problem
from dogwatch.web.inbox import PingInbox

AT = datetime(2026, 1, 1, tzinfo=UTC)


def ping(number: int) -> Heard:
    return Heard(key=f"key-{number:06}", at=AT)


class Gate:
    """A record that notes each batch and holds it until let through."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.begun = asyncio.Semaphore(0)
        self.open = asyncio.Semaphore(0)

    async def record(self, pings: Sequence[Heard]) -> Sequence[Answer]:
        self.batches.append([each.key for each in pings])
        self.begun.release()
        await self.open.acquire()
        return [Answer.UNKNOWN if each.key.endswith("9") else Answer.RECORDED for each in pings]


async def put_all(inbox: PingInbox, numbers: range) -> list[asyncio.Task[Answer]]:
    tasks = [asyncio.create_task(inbox.put(ping(number))) for number in numbers]
    await asyncio.sleep(0)
    return tasks


def test_pings_during_a_commit_form_the_next_batch() -> None:
    async def scene() -> None:
        gate = Gate()
        inbox = PingInbox(gate.record)
        first = await put_all(inbox, range(1))
        await gate.begun.acquire()
        rest = await put_all(inbox, range(1, 100))
        assert gate.batches == [["key-000000"]]
        gate.open.release()
        await gate.begun.acquire()
        assert [len(batch) for batch in gate.batches] == [1, 99]
        gate.open.release()
        answers = await asyncio.gather(*first, *rest)
        assert [number for number, it in enumerate(answers) if it is Answer.UNKNOWN] == [
            *range(9, 100, 10)
        ]

    asyncio.run(scene())


def test_a_batch_is_bounded_and_keeps_the_order() -> None:
    async def scene() -> None:
        gate = Gate()
        for _ in range(3):
            gate.open.release()
        inbox = PingInbox(gate.record, max_batch=4)
        await asyncio.gather(*await put_all(inbox, range(10)))
        assert [len(batch) for batch in gate.batches] == [4, 4, 2]
        assert [key for batch in gate.batches for key in batch] == [
            f"key-{number:06}" for number in range(10)
        ]

    asyncio.run(scene())


def test_a_batch_begins_once_the_loop_brings_no_more() -> None:
    async def scene() -> None:
        gate = Gate()
        inbox = PingInbox(gate.record)
        tasks = []
        for number in range(20):
            tasks += await put_all(inbox, range(number, number + 1))
            await asyncio.sleep(0)
            assert gate.batches == []
        gate.open.release()
        await asyncio.gather(*tasks)
        assert [len(batch) for batch in gate.batches] == [20]

    asyncio.run(scene())


def test_pings_that_never_pause_are_recorded_once_they_fill_a_batch() -> None:
    async def scene() -> None:
        gate = Gate()
        inbox = PingInbox(gate.record, max_batch=8)
        tasks = []
        for number in range(12):
            tasks += await put_all(inbox, range(number, number + 1))
        assert [len(batch) for batch in gate.batches] == [8]
        for _ in range(2):
            gate.open.release()
        await asyncio.gather(*tasks)
        assert [len(batch) for batch in gate.batches] == [8, 4]

    asyncio.run(scene())


def test_trouble_reaches_every_waiter_of_its_batch_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    calls: list[int] = []

    async def record(pings: Sequence[Heard]) -> Sequence[Answer]:
        calls.append(len(pings))
        if len(calls) == 1:
            raise OSError("disk full at key-000000")
        return [Answer.RECORDED] * len(pings)

    async def scene() -> None:
        inbox = PingInbox(record, max_batch=3)
        tasks = await put_all(inbox, range(5))
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(answer) for answer in answers] == [OSError] * 3 + [Answer] * 2

    asyncio.run(scene())
    assert "3 pings were not recorded: OSError" in caplog.text
    assert "key-" not in caplog.text


def test_an_answer_missing_is_trouble_for_all() -> None:
    async def record(pings: Sequence[Heard]) -> Sequence[Answer]:
        return [Answer.RECORDED] * (len(pings) - 1)

    async def scene() -> None:
        tasks = await put_all(PingInbox(record), range(3))
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(answer) for answer in answers] == [ValueError] * 3

    asyncio.run(scene())


def test_too_many_waiting_are_refused() -> None:
    async def scene() -> None:
        gate = Gate()
        inbox = PingInbox(gate.record, max_waiting=2)
        tasks = await put_all(inbox, range(2))
        with pytest.raises(Problem) as refused:
            await inbox.put(ping(2))
        assert refused.value.kind == "limited"
        gate.open.release()
        assert await asyncio.gather(*tasks) == [Answer.RECORDED] * 2

    asyncio.run(scene())


def test_a_caller_that_leaves_does_not_take_its_ping_along() -> None:
    async def scene() -> None:
        gate = Gate()
        inbox = PingInbox(gate.record)
        leaver, stayer = await put_all(inbox, range(2))
        leaver.cancel()
        gate.open.release()
        assert await stayer is Answer.RECORDED
        await inbox.drain()
        assert gate.batches == [["key-000000", "key-000001"]]

    asyncio.run(scene())


def test_stopping_tells_those_whose_batch_was_cut() -> None:
    async def scene() -> None:
        gate = Gate()
        inbox = PingInbox(gate.record)
        (task,) = await put_all(inbox, range(1))
        await gate.begun.acquire()
        assert inbox._task
        inbox._task.cancel()
        with pytest.raises(Problem, match="stopping"):
            await task

    asyncio.run(scene())
