import asyncio

import pytest

from tests.eventually import eventually, eventually_async


def test_returns_the_first_true_answer() -> None:
    answers = iter([0, 0, 7])
    assert eventually(lambda: next(answers)) == 7


def test_returns_the_first_true_answer_while_the_loop_runs() -> None:
    async def scene() -> int:
        box: list[int] = []
        asyncio.get_running_loop().call_soon(box.append, 3)
        return (await eventually_async(lambda: box))[0]

    assert asyncio.run(scene()) == 3


def test_fails_with_the_last_answer_after_the_deadline() -> None:
    with pytest.raises(AssertionError, match="too late: a flip; the last was 0"):
        eventually(lambda: 0, within_s=0, what="a flip")
