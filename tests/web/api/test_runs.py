"""Runs: lists, output, the live tail, cancelling."""

import asyncio
import json
from contextlib import aclosing
from typing import Any

import pytest

from dogwatch.core.result import Outcome, Result
from dogwatch.core.run import ATTEMPT_SEQS
from dogwatch.store import runs as stored
from dogwatch.store.tx import Tx
from dogwatch.usecases import keys, runs, watches
from dogwatch.usecases.runs import Ended, Work
from dogwatch.web.app import build
from tests.web.api.conftest import HTTP_ACTION, House
from tests.web.asgi_client import Client


@pytest.fixture
def run(api: Client) -> Any:
    """A run that waits."""
    api("POST", "/jobs", {"name": "J", "action": HTTP_ACTION})
    return api("POST", "/jobs/j/trigger", {"input": "hello"}).json


def write(house: House, run: Any, *chunks: tuple[int, str, str]) -> None:
    """Store output as a worker does."""

    def add(tx: Tx) -> None:
        stored.append_output(tx, house.workspace.id, run["id"], chunks)
        tx.wake("output")

    house.write(add)


def work(house: House, result: Result | None = None) -> None:
    """Claim what waits and, with a result, finish it."""
    at, vault = house.clock.now(), house.services.vault
    claimed: list[Work] = house.write(lambda tx: runs.claim(tx, "http", "n1", at, 10, vault))
    for one in claimed if result else ():
        assert result is not None
        house.write(lambda tx, one=one: runs.finish(tx, [Ended(one, result)], at))  # type: ignore[misc]  # mypy cannot infer a lambda with a default


def test_a_run_is_read_with_its_input(api: Client, run: Any) -> None:
    found = api.get(f"/runs/{run['id']}").json
    more = dict.fromkeys(("output_value", "condition", "preview", "detail"))
    assert found == {**run, "input": "hello", "waits": "", **more}
    assert found["queued_at"] == "2026-01-05T12:00:00.000Z"
    assert api.get("/runs/none").status == 404


def test_lists_and_filters(api: Client, house: House, run: Any) -> None:
    listed = api.get("/runs").json["data"]
    assert listed == [run]
    assert api.get("/runs", watch="j", state="queued").json["data"] == [run]
    assert api.get("/runs", outcome="fail").json["data"] == []
    work(house, Result(Outcome.FAIL, "status 500", 12, status_code=500, phases_ms={"dns": 1.5}))
    failed = api.get("/runs", outcome="fail", watch=run["watch_id"]).json["data"]
    assert [(one["reason"], one["status_code"], one["phases_ms"]) for one in failed] == [
        ("status 500", 500, {"dns": 1.5})
    ]
    assert api.get("/runs", watch="nobody").status == 404


def test_output_is_text_that_says_where_it_was_dropped_and_begins_anew(
    api: Client, house: House, run: Any
) -> None:
    empty = api.get(f"/runs/{run['id']}/output")
    assert (empty.status, empty.text) == (200, "")
    write(house, run, (1, "stdout", "one\n"), (2, "stderr", "two"), (9, "stdout", "nine\n"))
    whole = api.get(f"/runs/{run['id']}/output")
    assert whole.headers["content-type"] == "text/plain; charset=utf-8"
    assert whole.text == "one\ntwo\n[some output was dropped here]\nnine\n"
    write(house, run, (ATTEMPT_SEQS, "stdout", "ten\n"))
    again = api.get(f"/runs/{run['id']}/output")
    assert again.text == whole.text + "[attempt 2]\nten\n"
    assert api.get("/runs/none/output").status == 404


def events(text: str) -> list[dict[str, str]]:
    """Return the fields of each event of a stream."""
    found = [event.split("\n") for event in text.split("\n\n") if event[:1] not in ":"]
    return [dict(line.split(": ", 1) for line in lines) for lines in found]


def test_the_tail_follows_until_the_end(api: Client, house: House, run: Any) -> None:
    write(house, run, (1, "stdout", "one\n"))

    async def follow() -> str:
        seen = ""
        async for piece in api.stream(f"/runs/{run['id']}/output/stream"):
            seen += piece
            if piece.startswith("event: output\nid: 1\n"):
                write(house, run, (2, "stderr", "two\n"))
            if piece.startswith("event: output\nid: 2\n"):
                work(house, Result(Outcome.OK))
        return seen

    one, two, end = events(asyncio.run(follow()))
    assert json.loads(one["data"]) == {"seq": 1, "stream": "stdout", "text": "one\n"}
    assert (two["event"], two["id"]) == ("output", "2")
    assert end["event"] == "end"
    assert json.loads(end["data"])["outcome"] == "ok"


def test_the_tail_resumes_behind_the_last_event(api: Client, house: House, run: Any) -> None:
    write(house, run, *((seq, "stdout", f"{seq}\n") for seq in range(1, 1200)))
    work(house, Result(Outcome.OK))
    path = f"/runs/{run['id']}/output/stream"
    rest = api("GET", path, headers={"last-event-id": "1197"})
    assert rest.headers["content-type"].startswith("text/event-stream")
    assert [event.get("id") for event in events(rest.text)] == ["1198", "1199", None]
    assert len(events(api.get(path).text)) == 1200
    assert len(events(api("GET", path, headers={"last-event-id": "junk"}).text)) == 1200


def test_a_silent_tail_sends_a_comment_now_and_then(api: Client, house: House, run: Any) -> None:
    async def first_two() -> list[str]:
        pieces: list[str] = []
        async with aclosing(api.stream(f"/runs/{run['id']}/output/stream")) as stream:
            async for piece in stream:
                pieces.append(piece)
                house.clock.advance(16)
                if len(pieces) == 2:
                    break
        return pieces

    assert asyncio.run(first_two()) == [": following\n\n", ": still running\n\n"]


def test_the_tail_ends_when_the_server_stops(api: Client, house: House, run: Any) -> None:
    write(house, run, (1, "stdout", "one\n"))

    async def follow() -> int:
        pieces = 0
        async for _ in api.stream(f"/runs/{run['id']}/output/stream"):
            pieces += 1
            if pieces == 2:
                house.services.stopping.set()
        return pieces

    assert asyncio.run(follow()) == 2


@pytest.mark.parametrize("gone", ["the key", "the run"])
def test_the_tail_ends_with_its_key_and_with_its_run(
    api: Client, house: House, run: Any, gone: str
) -> None:
    def end(tx: Tx) -> None:
        workspace_id = house.workspace.id
        if gone == "the key":
            keys.revoke(tx, workspace_id, "test", house.clock.now())
        else:
            watches.remove(tx, watches.find(tx, workspace_id, "j", lock=True))
        tx.wake("output")

    async def follow() -> list[str]:
        pieces: list[str] = []
        async for piece in api.stream(f"/runs/{run['id']}/output/stream"):
            pieces.append(piece)
            if len(pieces) == 1:
                write(house, run, (1, "stdout", "one\n"))
            else:
                house.write(end)
        return pieces

    pieces = asyncio.run(follow())
    assert len(pieces) == 2
    assert "one" in pieces[1]


def test_the_tail_of_an_unknown_run_is_404(api: Client) -> None:
    assert api.get("/runs/none/output/stream").status == 404


def test_a_waiting_run_is_cancelled_at_once(api: Client, run: Any) -> None:
    cancelled = api("POST", f"/runs/{run['id']}/cancel", {"reason": "a mistake"})
    assert cancelled.status == 202
    assert (cancelled.json["state"], cancelled.json["outcome"]) == ("done", "skipped")
    assert cancelled.json["reason"] == "a mistake"
    assert api("POST", f"/runs/{run['id']}/cancel").status == 409
    assert api("POST", "/runs/none/cancel").status == 404


def test_a_running_run_is_asked_to_stop(api: Client, house: House, run: Any) -> None:
    work(house)
    asked = api("POST", f"/runs/{run['id']}/cancel")
    assert (asked.json["state"], asked.json["cancel_reason"]) == ("running", "cancelled")
    long = api("POST", f"/runs/{run['id']}/cancel", {"reason": "x" * 201})
    assert long.faults.keys() == {"reason"}


def test_a_run_told_by_pings_has_their_exit_status_and_text(
    api: Client, house: House, watch: Any
) -> None:
    key = watch["ping_url"].rpartition("/")[2]

    def tell(words: str, text: str, **query: str) -> None:
        house.clock.advance(1)
        ping = Client(build(house.services), base="/ping/")
        assert ping("POST", key + words, text.encode(), query=query).status == 200

    tell("/start", "", rid="one")
    tell("/log", "of another run", rid="two")
    tell("/log", "half way", rid="one")
    tell("/3", "no tape\n", rid="one")
    tell("/0", "alone")
    alone, run = api.get("/runs", watch=watch["id"]).json["data"]
    assert (run["exit_code"], run["outcome"], run["reason"]) == (3, "fail", "exit status 3")
    assert api.get(f"/runs/{run['id']}").json["exit_code"] == 3
    assert api.get(f"/runs/{run['id']}/output").text == "half way\nno tape\n"
    tail = events(api.get(f"/runs/{run['id']}/output/stream").text)
    assert [json.loads(one["data"]).get("text") for one in tail] == [
        "half way\n",
        "no tape\n",
        None,
    ]
    assert (alone["exit_code"], alone["outcome"]) == (0, "ok")
    assert api.get(f"/runs/{alone['id']}/output").text == "alone\n"


def test_a_run_that_no_ping_told_of_has_no_output(api: Client, house: House, watch: Any) -> None:
    house.ping(watch["ping_url"].rpartition("/")[2])
    house.clock.advance(7200)
    house.write(lambda tx: watches.lapse(tx, house.clock.now()))
    missed = api.get("/runs", outcome="missed").json["data"][0]
    assert (missed["exit_code"], api.get(f"/runs/{missed['id']}/output").text) == (None, "")
