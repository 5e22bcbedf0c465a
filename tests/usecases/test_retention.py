"""Retention on both databases: by age and by count, in small batches, and nothing that lives."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event, update

from dogwatch.core.alerts import Verdict
from dogwatch.core.ping import Kind
from dogwatch.store import idempotency, workspaces
from dogwatch.store.idempotency import Kept
from dogwatch.store.retention import Keep
from dogwatch.store.runs import append_output
from dogwatch.store.tables import outputs
from dogwatch.usecases import retention, watches
from tests.harness.house import House, after, heard

DAY_S = 86_400
EVER = 10**9


def prune(
    house: House, days: float, keep: dict[str, Keep], limit: int = 500, output_days: int = 10_000
) -> int:
    counted = house.see(retention.census, keep, {})
    return house.do(retention.prune, keep, output_days, counted, after(days * DAY_S), limit)


def daily(house: House, slug: str = "one") -> None:
    """Ten days with a ping each noon, alternately bad and good, all told."""
    record = house.watch(slug, schedule="0 12 * * *", start_by_s=3_600)
    for day in range(10):
        kind = Kind.FAIL if day % 2 else Kind.OK
        house.ping(heard(record, day * DAY_S, kind))
        for parcel in house.parcels(day * DAY_S):
            house.settle(parcel, day * DAY_S, Verdict.SENT)


@pytest.mark.parametrize("name", ["pings", "runs", "flips"])
def test_what_is_too_old_goes(house: House, name: str) -> None:
    daily(house)
    assert prune(house, 9.5, {name: Keep(4, EVER)}) == 6
    assert len(house.rows(name)) == 4
    assert prune(house, 9.5, {name: Keep(4, EVER)}) == 0
    assert house.audit(9.5 * DAY_S) == []


@pytest.mark.parametrize("name", ["pings", "runs", "flips"])
def test_what_is_too_much_goes_oldest_first(house: House, name: str) -> None:
    daily(house)
    newest = house.rows(name)[-3:]
    batches = [prune(house, 9.5, {name: Keep(10_000, 3)}, 3) for _ in range(4)]
    assert (batches, house.rows(name)) == ([3, 3, 1, 0], newest)
    assert house.audit(9.5 * DAY_S) == []


def test_only_what_is_new_is_looked_at_until_it_may_be_too_much(house: House) -> None:
    """The bill of a thousand rows: one count, then the rows that came since."""
    record = house.watch()
    keep = {"pings": Keep(10_000, 1_000)}
    house.ping(*(heard(record, n) for n in range(900)))
    first = house.see(retention.census, keep, {})
    key = ("pings", house.workspace.id)
    assert (first[key].room, first[key].surplus_id) == (100, None)
    house.ping(*(heard(record, 900 + n) for n in range(100)))
    with statements(house) as told:
        full = house.see(retention.census, keep, first)
    assert (full[key].room, full[key].surplus_id, scans(told)) == (0, None, 0)
    house.ping(heard(record, 1_000), heard(record, 1_001))
    with statements(house) as told:
        over = house.see(retention.census, keep, full)
    ids = [row["id"] for row in house.rows("pings")]
    assert (over[key].room, over[key].surplus_id, scans(told)) == (10, ids[1], 2)
    with statements(house) as told:
        assert house.see(retention.census, keep, over) == over
    assert scans(told) == 0


def scans(told: list[str]) -> int:
    """Count the statements that look at all rows of a workspace."""
    of_pings = [text for text in told if "pings" in text]
    return sum("pings.id >" not in text for text in of_pings)


@contextmanager
def statements(house: House) -> Iterator[list[str]]:
    """Collect the statements that the readers run meanwhile."""
    told: list[str] = []

    def note(conn: object, cursor: object, text: str, *rest: object) -> None:
        told.append(text)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield told
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_what_went_otherwise_makes_room(house: House) -> None:
    """Rows that left with their watch, or by age, are never paid for by rows that shall stay."""
    one, two = house.watch("one"), house.watch("two")
    house.ping(*(heard(one, n) for n in range(6)), *(heard(two, 10 + n) for n in range(4)))
    keep = {"pings": Keep(10_000, 10)}
    known = house.see(retention.census, keep, {})
    house.on("one", watches.remove)
    house.ping(*(heard(two, 20 + n) for n in range(6)))
    known = house.see(retention.census, keep, known)
    assert house.do(retention.prune, keep, 30, known, after(100)) == 0
    assert len(house.rows("pings")) == 10


def test_each_workspace_keeps_its_own(house: House) -> None:
    daily(house)
    other = house.do(workspaces.add, "Other", "other-ping-key", after(0))
    assert other != house.workspace.id
    assert prune(house, 9.5, {"pings": Keep(10_000, 10)}) == 0
    assert prune(house, 9.5, {"pings": Keep(10_000, 9)}) == 1


def test_a_delivery_lives_as_long_as_its_flip(house: House) -> None:
    house.channel()
    daily(house)
    told = len(house.rows("deliveries"))
    assert (told, prune(house, 9.5, {"deliveries": Keep(1, 1)})) == (9, 0)
    assert house.audit(9.5 * DAY_S) == []
    assert prune(house, 9.5, {"flips": Keep(4, EVER)}) == 6
    assert prune(house, 9.5, {"deliveries": Keep(4, EVER)}) == 5
    assert len(house.rows("receipts")) == len(house.rows("deliveries")) == 4
    assert house.audit(9.5 * DAY_S) == []


def test_what_is_still_to_be_done_stays(house: House) -> None:
    house.channel()
    house.job()
    house.fire(60)
    house.claim(60)
    house.lapse(10**6)
    house.ping(heard(house.watch("one"), 0), heard(house.find("one"), 1, Kind.FAIL))
    keep = {name: Keep(1, 1) for name in ("runs", "deliveries")}
    prune(house, 100, {"flips": Keep(1, 0)})
    prune(house, 100, keep)
    assert [row["state"] for row in house.rows("runs") if row["trigger"] != "ping"] == ["running"]
    assert [row["state"] for row in house.rows("deliveries")] == ["pending"]


def test_output_goes_before_its_run(house: House) -> None:
    house.job(schedule=None)
    for day in range(4):
        house.trigger(at=day * DAY_S)
        (work,) = house.claim(day * DAY_S)
        chunks = [(n, "stdout", "text") for n in range(3)]
        house.do(append_output, work.run.workspace_id, work.run.id, chunks)
        house.finish(work, day * DAY_S + 1)
    assert prune(house, 3.5, {}, output_days=2) == 6
    assert (len(house.rows("outputs")), len(house.rows("runs"))) == (6, 4)
    assert prune(house, 3.5, {}, output_days=2) == 0
    house.plant(update(outputs).values(text="x"))
    assert prune(house, 3.5, {}, 1, 1) == 3


def test_answers_and_nodes_are_forgotten_after_their_day(house: House) -> None:
    for at in (0, DAY_S):
        kept = Kept("f", 201, b"{}")
        house.do(idempotency.keep, house.workspace.id, f"key-{at}", kept, after(at))
        house.join(f"node-{at}", at)
    prune(house, 1 + 1 / 24, {})
    assert [row["key"] for row in house.rows("idempotency")] == [f"key-{DAY_S}"]
    assert [row["id"] for row in house.rows("nodes")] == [f"node-{DAY_S}"]
    prune(house, 30, {})
    assert [row["id"] for row in house.rows("nodes")] == [f"node-{DAY_S}"]
