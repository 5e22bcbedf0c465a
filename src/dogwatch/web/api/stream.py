"""The live tail of a run: server-sent events (WHATWG HTML, section 9.2)."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager

from dogwatch.core.problems import Problem
from dogwatch.usecases import lists
from dogwatch.usecases.lists import Chunk, Run
from dogwatch.web.api.wire import RunOut
from dogwatch.web.services import Services

HEARTBEAT_S = 15.0
POLL_S = 1.0
BATCH = 500
TOPICS = frozenset({"output", "*"})


async def tail(
    services: Services,
    workspace_id: int,
    run_id: str,
    after: int,
    still: Callable[[], Awaitable[object]],
) -> AsyncIterator[str]:
    """Yield the output behind `after` as it comes, then the run once it has ended.

    It breaks off where `still` raises a Problem, since who follows may no longer, and where the
    run can't be read any more: who asks again is told why.
    """
    beat_at = services.clock.monotonic() + HEARTBEAT_S
    yield ": following\n\n"  # so that proxies and clients see at once that it works
    with woken(services, TOPICS) as heard:
        while not services.stopping.is_set():
            heard.clear()
            try:
                await still()
                run, chunks = await _read(services, workspace_id, run_id, after)
            except Problem:
                return
            for after, stream, text in chunks:
                yield _event("output", {"seq": after, "stream": stream, "text": text}, after)
            if len(chunks) == BATCH:
                continue
            if run.state == "done":
                yield _event("end", RunOut.of(run).model_dump(mode="json"))
                return
            if services.clock.monotonic() >= beat_at:
                beat_at = services.clock.monotonic() + HEARTBEAT_S
                yield ": still running\n\n"
            await wait(heard, services.stopping)


async def _read(
    services: Services, workspace_id: int, run_id: str, after: int
) -> tuple[Run, Sequence[Chunk]]:
    return await services.door.aread(
        lambda tx: lists.output(tx, workspace_id, run_id, after, BATCH), workspace_id
    )


def _event(name: str, data: object, number: int | None = None) -> str:
    place = "" if number is None else f"id: {number}\n"
    return f"event: {name}\n{place}data: {json.dumps(data)}\n\n"


@contextmanager
def woken(services: Services, topics: frozenset[str]) -> Iterator[asyncio.Event]:
    """Return an event that is set when one of `topics` was committed, here or on another node."""
    loop, event = asyncio.get_running_loop(), asyncio.Event()

    def hear(told: frozenset[str]) -> None:
        if told & topics:
            loop.call_soon_threadsafe(event.set)

    unsubscribe = services.door.on_wake(hear)
    try:
        yield event
    finally:
        unsubscribe()


async def wait(*events: asyncio.Event, timeout_s: float = POLL_S) -> None:
    """Wait for one of the events, at most so long."""
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()
