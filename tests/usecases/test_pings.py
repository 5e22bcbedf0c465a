"""Pings on both databases: what a batch leaves behind, in which order, and at what price."""

import threading
from functools import partial

import pytest

from dogwatch.core.alerts import Event, Rule
from dogwatch.core.ping import Answer, Heard, Kind
from dogwatch.store.database import Tx
from dogwatch.usecases import pings
from tests.harness.house import House, after, heard, meet, statements


def by_slug(house: House, slug: str, at: float, kind: Kind = Kind.OK, **facts: object) -> Heard:
    given = {"workspace_key": house.workspace.ping_key, "slug": slug, "kind": kind} | facts
    return Heard(**given, at=after(at))  # type: ignore[arg-type]  # the facts of any ping


def test_a_batch_reaches_each_watch_and_is_answered_in_order(house: House) -> None:
    one, two = house.watch("one"), house.watch("two")
    answers = house.ping(
        heard(two, 1),
        Heard(key="unknown-key", at=after(1)),
        heard(one, 2),
        by_slug(house, "two", 3),
        by_slug(house, "nobody", 3),
        Heard(workspace_key="wrong-workspace", slug="one", at=after(3)),
        Heard(at=after(3)),
    )
    known, unknown = Answer.RECORDED, Answer.UNKNOWN
    assert answers == [known, unknown, known, known, unknown, unknown, unknown]
    assert [len([p for p in house.rows("pings") if p["watch_id"] == w.id]) for w in (one, two)] == [
        1,
        2,
    ]
    assert house.find("two").last_ping_at == after(3)
    assert house.flips("one") == house.flips("two") == [("new", "up")]


def test_a_ping_by_slug_makes_its_watch_once(house: House) -> None:
    answers = house.ping(
        by_slug(house, "born", 0, Kind.START, create=True),
        by_slug(house, "born", 5, create=True),
        by_slug(house, "born", 6),
    )
    assert answers == [Answer.CREATED, Answer.RECORDED, Answer.RECORDED]
    assert house.ping(by_slug(house, "born", 7, create=True)) == [Answer.RECORDED]
    record = house.find("born")
    assert (record.schedule, str(record.watch.status)) == ("every 1d", "up")
    assert len(house.rows("watches")) == 1


def test_a_watch_made_by_a_rival_meanwhile_hears_the_ping(nodes: tuple[House, House]) -> None:
    """Two nodes are asked for one new watch at once: each counts its ping."""
    met = threading.Barrier(2)

    def record(tx: Tx) -> list[Answer]:
        meet(met)
        return pings.record(tx, [by_slug(nodes[0], "born", 1, Kind.LOG, create=True)], after(1))

    both = [house.database.write(record) for house in nodes]
    answers = [answer for one in both for answer in one.result(60)]
    assert sorted(answers) == [Answer.CREATED, Answer.RECORDED]
    assert len(nodes[0].rows("pings")) == 2


def test_everything_of_a_flip_is_written_in_one_transaction(house: House) -> None:
    record = house.watch("one")
    house.channel()
    house.ping(heard(record, 0))
    before = house.everything()

    def then_fail(tx: Tx) -> None:
        pings.record(tx, [heard(record, 5, Kind.FAIL)], after(5))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        house.do(then_fail)
    assert house.everything() == before
    house.ping(heard(record, 5, Kind.FAIL, exit_code=3))
    changed = {name for name, rows in house.everything().items() if rows != before[name]}
    incident = {"incidents", "incident_members", "instance"}
    assert changed == {"watches", "pings", "runs", "flips", "deliveries", "tasks"} | incident


def test_an_end_told_for_before_its_start_keeps_its_exit_code_and_its_words(house: House) -> None:
    house.channel()
    record = house.watch("nightly")
    house.ping(heard(record, 1), heard(record, 700, Kind.START, rid="a"))
    late = heard(record, 100, Kind.FAIL, rid="a", exit_code=3, body="disk full")
    house.ping(late, at=800)
    (run,) = (row for row in house.rows("runs") if row["rid"] == "a")
    assert (run["started_at"], run["finished_at"]) == (after(700), after(700))
    assert (run["duration_ms"], run["exit_code"]) == (0, 3)
    (parcel,) = house.parcels(801)
    assert parcel.message.first.output_tail == "disk full"


def test_an_exit_code_is_told_and_a_log_judges_nothing(house: House) -> None:
    record = house.watch("one")
    house.ping(heard(record, 0), heard(record, 1, Kind.LOG, body="words"))
    assert house.flips("one") == [("new", "up")]
    house.ping(heard(record, 700, Kind.FAIL, exit_code=3))
    lines = [(row["outcome"], row["reason"]) for row in house.rows("runs")]
    assert lines == [("ok", ""), ("fail", "exit status 3")]
    assert [(p["kind"], p["exit_code"], p["body"]) for p in house.rows("pings")] == [
        ("ok", None, ""), ("log", None, "words"), ("fail", 3, ""),
    ]  # fmt: skip


def test_runs_are_told_apart_by_rid_and_repeats_change_nothing(house: House) -> None:
    record = house.watch("one")
    batch = [
        heard(record, 0, Kind.START, rid="a"),
        heard(record, 10, Kind.START, rid="b"),
        heard(record, 30, rid="b"),
        heard(record, 50, Kind.FAIL, rid="a", exit_code=1),
    ]
    house.ping(*batch)
    runs = house.rows("runs")
    told = {row["rid"]: (row["outcome"], row["duration_ms"], row["started_at"]) for row in runs}
    assert told == {"a": ("fail", 50_000, after(0)), "b": ("ok", 20_000, after(10))}
    house.ping(*batch)
    assert (house.rows("runs"), len(house.rows("pings"))) == (runs, 8)


def test_the_hint_is_left_alone_by_pings_and_moved_by_the_sweeper(house: House) -> None:
    record = house.watch("one")
    house.ping(heard(record, 0))
    first = house.find("one").due_at
    house.ping(heard(record, 600))
    house.ping(heard(record, 1200))
    assert house.find("one").due_at == first == after(660)
    assert house.lapse(659) == 0
    assert house.lapse(1201) == 1
    assert house.find("one").due_at == after(1860)
    assert house.flips("one") == [("new", "up")]
    assert house.lapse(1860) == 1
    assert house.flips("one") == [("new", "up"), ("up", "down")]


def test_a_ping_from_the_past_settles_its_own_slot(house: House) -> None:
    record = house.watch("one")
    house.ping(heard(record, 0))
    house.lapse(660)
    assert house.slots("one") == [(600, "missed"), (None, "ok")]
    assert house.ping(heard(record, 605), at=700) == [Answer.RECORDED]
    assert house.slots("one") == [(600, "ok"), (None, "ok")]
    assert house.flips("one") == [("new", "up"), ("up", "down"), ("down", "up")]
    assert house.audit(700) == []


def test_a_ping_older_than_what_is_known_changes_the_ledger_alone(house: House) -> None:
    record = house.watch("one")
    house.ping(heard(record, 0))
    house.ping(heard(record, 1200))
    house.ping(heard(record, 600, Kind.FAIL), at=1300)
    assert house.slots("one") == [(600, "fail"), (1200, "ok"), (None, "ok")]
    assert str(house.find("one").watch.status) == "up"
    assert house.find("one").last_ping_at == after(1200)


def test_flips_of_one_batch_keep_their_order(house: House) -> None:
    record = house.watch("one")
    kinds = [Kind.OK, Kind.FAIL] * 20
    house.ping(*(heard(record, n / 10_000, kind) for n, kind in enumerate(kinds)))
    assert house.flips("one") == [("new", "up"), *[("up", "down"), ("down", "up")] * 19,
                                  ("up", "down")]  # fmt: skip
    assert house.audit(1) == []


def test_each_flip_of_a_batch_tells_its_own_facts(house: House) -> None:
    record = house.watch("one")
    house.channel()
    house.ping(heard(record, 0))
    house.ping(heard(record, 100, Kind.FAIL), heard(record, 130))
    (down,), (recovered,) = (row["message"]["items"] for row in house.rows("deliveries"))
    assert (down["down_for_s"], recovered["down_for_s"]) == (None, 30)
    assert recovered["last_ok_at"] == after(0).isoformat()


def test_a_batch_costs_few_statements_whatever_its_size(house: House) -> None:
    records = [house.watch(f"w{n}") for n in range(40)]

    def cost(count: int, at: float) -> list[str]:
        batch = [heard(record, at) for record in records[:count]]
        batch += [by_slug(house, f"w{n}", at) for n in range(count)]
        batch += [by_slug(house, f"w{n}", at, Kind.FAIL) for n in range(count)]

        def record_all(tx: Tx) -> list[str]:
            with statements(tx.conn) as sent:
                pings.record(tx, batch, after(at))
            return sent

        return house.do(record_all)

    cost(40, 0)
    one, many = cost(1, 600), cost(40, 1200)
    # SQLite parts rows into powers of two: forty are two statements, a hundred and twenty three.
    closing = 3  # an incident is over with the second, none with the first
    assert len(many) - len(one) <= closing + 12, many


def test_a_ping_by_key_costs_five_statements(house: House) -> None:
    record = house.watch("one")
    house.ping(heard(record, 0))

    def record_one(tx: Tx) -> list[str]:
        with statements(tx.conn) as sent:
            pings.record(tx, [heard(record, 600)], after(600))
        return sent

    sent = house.do(record_one)
    assert len(sent) == 5, sent


def test_writers_in_opposite_order_lose_nothing(nodes: tuple[House, House]) -> None:
    records = [nodes[0].watch(f"w{n}") for n in range(6)]
    waiting = []
    for n in range(8):
        ahead = [heard(record, n, Kind.LOG) for record in records]
        waiting += [
            house.database.write(partial(pings.record, batch=part, at=after(n)))
            for house, part in zip(nodes, (ahead, ahead[::-1]), strict=True)
        ]
    assert [future.result(30) for future in waiting] == [[Answer.RECORDED] * 6] * 16
    assert len(nodes[0].rows("pings")) == 8 * 2 * 6


def test_two_writers_that_lock_crosswise_both_succeed(nodes: tuple[House, House]) -> None:
    """A true deadlock: each holds one watch and asks for the other's; one is run again."""
    one, two = (nodes[0].watch(slug) for slug in ("one", "two"))
    met = threading.Barrier(2)
    tries = []

    def crosswise(tx: Tx, pair: tuple[Heard, Heard]) -> None:
        tries.append(pair)
        pings.record(tx, pair[:1], after(1))
        meet(met)
        pings.record(tx, pair[1:], after(1))

    a, b = heard(one, 1, Kind.LOG), heard(two, 1, Kind.LOG)
    both = [
        house.database.write(partial(crosswise, pair=pair))
        for house, pair in zip(nodes, ((a, b), (b, a)), strict=True)
    ]
    assert [future.result(30) for future in both] == [None, None]
    assert (len(tries), len(nodes[0].rows("pings"))) == (3, 4)


def test_a_slug_that_cannot_be_made_spoils_no_other_ping(house: House) -> None:
    """`/ping/{key}/start/0?create=1` asks for a slug that is reserved."""
    record = house.watch("one")
    answers = house.ping(by_slug(house, "start", 0, create=True), heard(record, 0))
    assert answers == [Answer.UNKNOWN, Answer.RECORDED]


def test_a_rule_for_other_events_makes_no_delivery(house: House) -> None:
    record = house.watch("one")
    house.channel(rule=Rule("", "", frozenset({Event.DEGRADED})))
    house.ping(heard(record, 0), heard(record, 1, Kind.FAIL))
    assert house.rows("deliveries") == []


@pytest.mark.parametrize(
    ("code", "outcome", "reason"),
    [
        (1, "fail", "exit status 1"),
        (124, "timeout", "timed out (exit status 124)"),
        (126, "fail", "the command cannot be run (exit status 126)"),
        (127, "fail", "the command was not found (exit status 127)"),
        (None, "fail", "it reported a failure"),
    ],
)
def test_an_exit_status_says_what_it_means(
    house: House, code: int | None, outcome: str, reason: str
) -> None:
    house.watch("one")
    house.ping(by_slug(house, "one", 1, Kind.FAIL, exit_code=code))
    (run,) = house.rows("runs")
    assert (run["outcome"], run["reason"]) == (outcome, reason)
