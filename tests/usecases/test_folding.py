"""Folding is idempotent: a spooled ping counts once, whatever was committed before a crash."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from dogwatch.core.ping import Heard
from dogwatch.core.slots import Gap
from dogwatch.spool import Entry, Segment, Spool
from dogwatch.usecases import folding, nodes
from tests.harness.house import House, after, heard


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    opened = Spool(tmp_path / "spool", "0" * 26)
    yield opened
    opened.close()


def kept(spool: Spool, *pings: Heard, tried: bool = False) -> tuple[Segment, list[Entry]]:
    """Spool pings in a segment of their own."""
    spool.append(pings, min(ping.at for ping in pings), tried=tried)
    segment = spool.oldest()
    assert segment is not None
    return segment, segment.read(0, 100)


def times(house: House) -> list[datetime]:
    return [row["at"] for row in house.rows("pings")]


def test_pings_are_folded_once_with_their_own_time(house: House, spool: Spool) -> None:
    watch = house.watch("nightly")
    segment, entries = kept(spool, heard(watch, 1), heard(watch, 2))
    for _ in range(2):
        assert house.do(folding.fold, segment, entries, after(300)) == 0
    assert times(house) == [after(1), after(2)]
    assert house.find("nightly").last_ping_at == after(2)


def test_what_a_crash_left_undone_is_folded_alone(house: House, spool: Spool) -> None:
    watch = house.watch("nightly")
    segment, entries = kept(spool, *(heard(watch, second) for second in range(5)))
    house.do(folding.fold, segment, entries[:3], after(300))
    house.do(folding.fold, segment, entries, after(300))
    assert times(house) == [after(second) for second in range(5)]


def test_the_next_segment_counts_from_its_own_start(house: House, spool: Spool) -> None:
    watch = house.watch("nightly")
    first, entries = kept(spool, heard(watch, 1), heard(watch, 2))
    house.do(folding.fold, first, entries, after(300))
    spool.remove(first)
    second, entries = kept(spool, heard(watch, 3))
    house.do(folding.fold, second, entries, after(300))
    house.do(folding.fold, first, [], after(300))
    assert times(house) == [after(1), after(2), after(3)]


def test_a_ping_that_was_recorded_after_all_is_not_recorded_again(
    house: House, spool: Spool
) -> None:
    watch = house.watch("nightly")
    house.ping(heard(watch, 1, rid="a"))
    segment, entries = kept(
        spool, heard(watch, 1, rid="a"), heard(watch, 1, rid="b"), heard(watch, 2), tried=True
    )
    house.do(folding.fold, segment, entries, after(300))
    pings = [(row["at"], row["rid"]) for row in house.rows("pings")]
    assert pings == [(after(1), "a"), (after(1), "b"), (after(2), None)]


def test_a_ping_that_nobody_tried_may_look_like_another(house: House, spool: Spool) -> None:
    watch = house.watch("nightly")
    house.ping(heard(watch, 1))
    house.do(folding.fold, *kept(spool, heard(watch, 1)), after(300))
    assert times(house) == [after(1), after(1)]


def test_unknown_keys_are_dropped_and_counted(house: House, spool: Spool) -> None:
    watch = house.watch("nightly")
    nobody = Heard(key="x" * 20, at=after(1))
    segment, entries = kept(spool, nobody, heard(watch, 2), nobody)
    assert house.do(folding.fold, segment, entries, after(300)) == 2
    assert times(house) == [after(2)]


def test_nothing_is_remembered_of_an_empty_spool(house: House, spool: Spool) -> None:
    before = house.rows("instance")
    segment, entries = kept(spool, heard(house.watch("nightly"), 1))
    house.do(folding.fold, segment, entries, after(300))
    assert house.rows("instance") != before
    house.do(folding.finish, [segment.spool_id])
    assert house.rows("instance") == before


def test_silence_counts_up_to_the_oldest_ping_that_a_living_node_holds(house: House) -> None:
    house.join("node-a", 0)
    house.join("node-b", 0)
    house.do(nodes.beat, "node-a", after(5), after(2))
    house.do(nodes.beat, "node-b", after(6), after(3))
    assert house.do(nodes.horizon, after(7)) == after(2)
    house.do(nodes.beat, "node-a", after(7))
    assert house.do(nodes.horizon, after(7)) == after(3)
    house.do(nodes.beat, "node-b", after(7))
    assert house.do(nodes.horizon, after(7)) == after(7)


def test_a_dead_node_holds_nobody_up(house: House) -> None:
    house.join("node-a", 0)
    house.do(nodes.beat, "node-a", after(5), after(2))
    assert house.do(nodes.horizon, after(15)) == after(2)
    assert house.do(nodes.horizon, after(15.1)) == after(15.1)


def test_who_was_cut_off_waits_for_the_first_beat_of_the_others(house: House) -> None:
    house.join("node-a", 0)
    house.join("node-b", 0)
    house.do(nodes.beat, "node-b", after(5))
    cut = Gap(after(1), after(5))
    assert house.do(nodes.horizon, after(5), cut) == after(1)
    house.do(nodes.beat, "node-a", after(6))
    assert house.do(nodes.horizon, after(6), cut) == after(6)
