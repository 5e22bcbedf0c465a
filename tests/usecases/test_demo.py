"""The examples on both databases: a history that adds up, incidents, and nothing left behind."""

from datetime import timedelta

from dogwatch.usecases import demo, overview, timeline
from dogwatch.usecases.overview import Chosen
from tests.harness.house import House, after


def test_the_examples_come_once_and_go_wholly(house: House) -> None:
    house.channel()
    house.watch("mine")
    before = house.everything()
    own, vault = house.workspace.id, house.vault
    assert house.do(demo.add, own, vault, after(0)) == 12
    assert house.do(demo.add, own, vault, after(1)) == 12
    assert house.see(demo.count, own) == 12
    assert house.audit(2) == []
    assert house.rows("deliveries") == []  # nobody is told what never was
    found = house.see(overview.now, own, Chosen(tag="demo"), after(0))
    assert found.total == 12
    assert found.counts["down"] == 1
    states = [one["closed_by"] for one in house.rows("incidents")]
    assert states.count(None) == 1
    assert set(states) == {None, "recovery"}
    _ran(house)
    assert house.do(demo.clear, own) == 12
    assert house.see(demo.count, own) == 0
    left = house.everything()
    told = {"instance"}  # the number of the last incident is never given again
    assert {name: left[name] for name in left if name not in told} == {
        name: before[name] for name in before if name not in told
    }


def _ran(house: House) -> None:
    """The timeline of them tells what ran and what is to come."""
    own, day = house.workspace.id, timedelta(days=1)
    every = house.see(
        timeline.timeline_of, own, Chosen(tag="demo"), timeline.around(after(0), day), after(0)
    )
    lanes = {one.record.slug: one for one in every.lanes}
    assert sum(one.count for one in lanes["clean-old-sessions"].ran) == 12
    assert lanes["clean-old-sessions"].coming == [
        after(1800 + 7200 * n) for n in range(3)
    ]  # until a quarter of what is shown
    assert lanes["shop-answers"].coming == []  # it is paused
    assert [(one.outcome, one.count) for one in lanes["nightly-database-backup"].ran] == [("ok", 1)]
    assert {one.outcome for one in lanes["invoices-to-accounting"].ran} == {"fail"}
    assert every.busiest[0] >= 2
    assert every.total == len(every.lanes) == 12
