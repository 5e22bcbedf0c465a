"""The postman: what the command line kept counts, once, for the watch and the time it was for."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dogwatch.engine.postman import Postman
from dogwatch.outbox import Outbox, Ping
from tests.harness.crew import Crew
from tests.harness.house import House

SERVER = "http://127.0.0.1:8000"


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    """The outbox in the data directory."""
    return Outbox((tmp_path / "spool",))


@pytest.fixture
def postman(crew: Crew, outbox: Outbox) -> Postman:
    """The postman of a server on port 8000."""
    return Postman(crew.house.database, crew.clock, outbox, [SERVER])


def ping(crew: Crew, to: str = "backup", signal: str = "0", ago_s: float = 0, **more: Any) -> Ping:
    at_s = (crew.clock.now() - timedelta(seconds=ago_s)).timestamp()
    given: dict[str, Any] = {"server": SERVER, "to": to, "signal": signal, "at_s": at_s}
    return Ping(**given | more)


def heard(house: House) -> list[tuple[str, int | None, str]]:
    return [(row["kind"], row["exit_code"], row["body"]) for row in house.rows("pings")]


def test_what_was_kept_counts_at_its_own_time(crew: Crew, outbox: Outbox, postman: Postman) -> None:
    crew.house.watch("backup")
    outbox.put(ping(crew, signal="start", ago_s=60, rid="r"))
    outbox.put(ping(crew, signal="3", ago_s=30, rid="r", body="no\udce9 tape"))
    asyncio.run(postman.step())
    assert heard(crew.house) == [("start", None, ""), ("fail", 3, "no? tape")]
    assert outbox.waiting() == []
    (run,) = crew.house.rows("runs")
    assert (run["outcome"], run["duration_ms"]) == ("fail", 30_000)


@pytest.mark.parametrize("server", ["http://localhost:8000", "http://[::1]:8000", SERVER])
def test_every_name_of_this_machine_is_ours(
    crew: Crew, outbox: Outbox, postman: Postman, server: str
) -> None:
    key = crew.house.watch("backup").ping_key
    for to in ("backup", key, f"{server}/ping/{key}", f"{server}/below/ping/{key}/"):
        outbox.put(ping(crew, to, server=server))
    asyncio.run(postman.step())
    assert len(heard(crew.house)) == 4
    assert outbox.waiting() == []


def test_what_the_command_line_must_settle_stays(
    crew: Crew, outbox: Outbox, postman: Postman
) -> None:
    crew.house.watch("backup")
    outbox.put(ping(crew, server="http://127.0.0.1:9000"))
    outbox.put(ping(crew, "nobody"))
    outbox.put(ping(crew, "new", create={"name": "new", "slug": "new"}))
    outbox.put(ping(crew, ago_s=8 * 86_400))
    asyncio.run(postman.step())
    asyncio.run(postman.step())
    assert heard(crew.house) == []
    assert len(outbox.waiting()) == 4


def test_a_watch_is_made_where_that_was_asked(crew: Crew, outbox: Outbox, postman: Postman) -> None:
    outbox.put(ping(crew, "new", create={}))
    asyncio.run(postman.step())
    assert crew.house.find("new").slug == "new"
    assert len(heard(crew.house)) == 1


def test_what_a_crash_left_is_not_counted_twice(
    crew: Crew, outbox: Outbox, postman: Postman
) -> None:
    crew.house.watch("backup")
    path = outbox.put(ping(crew, ago_s=30, rid="r"))
    text = path.read_text()
    asyncio.run(postman.step())
    path.write_text(text)
    asyncio.run(postman.step())
    assert len(heard(crew.house)) == 1


def test_while_the_command_line_sends_nothing_is_taken(
    crew: Crew, outbox: Outbox, postman: Postman
) -> None:
    crew.house.watch("backup")
    outbox.put(ping(crew))
    with outbox.alone():
        asyncio.run(postman.step())
        assert heard(crew.house) == []
    asyncio.run(postman.step())
    assert len(heard(crew.house)) == 1
