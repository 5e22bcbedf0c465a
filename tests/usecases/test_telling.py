"""Telling on both databases: who is told what, in which order, and what becomes of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import update

from dogwatch.core.alerts import RETRY_PLAN_S, Event, Rule, Scope, Verdict
from dogwatch.core.message import Alias
from dogwatch.core.ping import Kind
from dogwatch.store.tables import channels as channel_table
from dogwatch.store.tables import deliveries as delivery_table
from dogwatch.usecases import aliases, channels, telling, watches
from dogwatch.usecases import nodes as node_cases
from dogwatch.usecases.telling import Room
from tests.harness.house import BASE_URL, House, after, heard

FAIL, OK = Kind.FAIL, Kind.OK
ALL = frozenset({Event.DOWN, Event.DEGRADED, Event.RECOVERED})


def down(house: House, slug: str, at: float = 1, /, **spec: Any) -> None:
    """Make a watch and let it fail."""
    record = house.watch(slug, **spec)
    house.ping(heard(record, at - 1), heard(record, at, FAIL))


def told(house: House) -> list[tuple[str, str, str]]:
    """Return every delivery: (watch, channel, event)."""
    slugs = {row["id"]: row["slug"] for row in house.rows("watches")}
    names = {row["id"]: row["name"] for row in house.rows("channels")}
    return [
        (slugs[row["watch_id"]], names[row["channel_id"]], row["event"])
        for row in house.rows("deliveries")
    ]


def test_rules_say_which_watches_go_where(house: House) -> None:
    one = house.watch("one", tags=("db", "prod"))
    scopes = {
        "all": Scope(),
        "tags": Scope("tags", frozenset({"db", "web"})),
        "project": Scope("project", frozenset({"home"})),
        "watches": Scope("watches", frozenset({one.id})),
    }
    for name, scope in scopes.items():
        house.channel(name, Rule("", "", ALL, scope))
    house.ping(heard(one, 0), heard(one, 1, FAIL))
    down(house, "two", project="home", tags=("dba",))
    down(house, "three", tags=("web",))
    assert set(told(house)) == {
        ("one", "all", "down"), ("one", "tags", "down"), ("one", "watches", "down"),
        ("two", "all", "down"), ("two", "project", "down"),
        ("three", "all", "down"), ("three", "tags", "down"),
    }  # fmt: skip
    assert house.audit(2) == []


def test_a_channel_is_told_once_of_a_flip_whatever_its_rules(house: House) -> None:
    channel = house.channel()
    house.rule(channel, Rule("", "", ALL, Scope("tags", frozenset({"db"}))))
    down(house, "one", tags=("db",))
    assert told(house) == [("one", "hook", "down")]


def test_events_that_nobody_asked_for_are_not_told(house: House) -> None:
    house.channel(rule=Rule("", "", frozenset({Event.RECOVERED})))
    down(house, "one")
    house.on("one", watches.pause, after(2))
    house.on("one", watches.resume, after(3))
    assert told(house) == []
    house.ping(heard(house.find("one"), 4, FAIL), heard(house.find("one"), 5))
    assert told(house) == [("one", "hook", "recovered")]


def test_the_message_says_what_was_at_the_flip(house: House) -> None:
    record = house.watch(
        "one",
        name="Nightly",
        tags=("db",),
        timezone="Europe/Berlin",
        description="\nSee the wiki.\nMore",
    )
    house.channel()
    house.ping(heard(record, -4, Kind.START))
    house.ping(heard(record, 0))
    house.lapse(660)
    house.ping(heard(record, 700, body="a\nb\nall is well"))
    first, second = (parcel.message for parcel in [*take(house, 701), *take(house, 702)])
    lapsed, recovered = first.first, second.first
    assert (lapsed.event, lapsed.name, lapsed.slug, lapsed.tags) == (
        Event.DOWN, "Nightly", "one", ("db",),
    )  # fmt: skip
    assert (lapsed.expected_at, lapsed.last_ok_at, lapsed.since_at) == (
        after(600), after(0), after(660),
    )  # fmt: skip
    assert (lapsed.status, lapsed.previous_status, first.workspace) == ("down", "up", "Default")
    assert (lapsed.url, lapsed.timezone) == (
        f"{BASE_URL}/w/{house.workspace.id}/i/one",
        "Europe/Berlin",
    )
    assert (lapsed.down_for_s, lapsed.output_tail) == (None, "")
    assert (lapsed.last_ok_ms, lapsed.about) == (4000, "See the wiki.")
    assert (recovered.event, recovered.down_for_s) == (Event.RECOVERED, 40)
    assert recovered.output_tail == "a\nb\nall is well"
    assert house.rows("deliveries")[0]["id"] == first.delivery_id


def take(house: House, at: float) -> list[telling.Parcel]:
    """Claim and send what is due."""
    taken = list(house.parcels(at))
    for parcel in taken:
        house.settle(parcel, at, Verdict.SENT)
    return taken


def test_a_recovery_heard_from_the_past_was_down_for_no_negative_time(house: House) -> None:
    record = house.watch("one")
    house.channel()
    house.ping(heard(record, 0))
    house.lapse(660)
    house.ping(heard(record, 605), at=700)
    assert [row["message"]["items"][0]["down_for_s"] for row in house.rows("deliveries")] == [
        None,
        0,
    ]


def test_flips_of_a_watch_reach_an_endpoint_in_order(house: House) -> None:
    """A later flip waits for the earlier one, also while that one waits for its next attempt."""
    house.channel("a")
    house.channel("b")
    down(house, "one")
    house.ping(heard(house.find("one"), 2))
    first = {parcel.channel.name: parcel for parcel in house.parcels(3)}
    assert {name: parcel.delivery.event for name, parcel in first.items()} == {
        "a": "down", "b": "down",
    }  # fmt: skip
    assert house.parcels(3) == []
    house.settle(first["a"], 4, Verdict.SENT)
    house.settle(first["b"], 4, Verdict.RETRY)
    assert [(p.channel.name, p.delivery.event) for p in house.parcels(4)] == [("a", "recovered")]
    assert [(p.channel.name, p.delivery.event) for p in house.parcels(20)] == [("b", "down")]


def test_a_hanging_endpoint_keeps_its_few_places(house: House) -> None:
    slow, quick = house.channel("slow"), house.channel("quick")
    for n in range(6):
        down(house, f"w{n}")
    bulkhead = {name: f"{house.workspace.id}:{c.id}" for name, c in (("s", slow), ("q", quick))}
    first = house.parcels(2, room=Room(100, 2))
    assert sorted(parcel.channel.name for parcel in first) == ["quick"] * 2 + ["slow"] * 2
    going = {bulkhead["s"]: 2, bulkhead["q"]: 1}
    more = house.parcels(2, room=Room(100, 2, endpoints=going))
    assert [parcel.channel.name for parcel in more] == ["quick"]


def test_an_endpoint_may_have_a_window_of_its_own(house: House) -> None:
    one, _ = house.channel("one"), house.channel("two")
    for n in range(4):
        down(house, f"w{n}")
    room = Room(100, 1, windows={f"{house.workspace.id}:{one.id}": 3})
    taken = [parcel.channel.name for parcel in house.parcels(2, room=room)]
    assert sorted(taken) == ["one"] * 3 + ["two"]


def test_no_endpoint_has_its_second_before_another_s_first(house: House) -> None:
    house.channel("one")
    down(house, "w0")
    down(house, "w1")
    house.channel("two")
    down(house, "w2")
    taken = [parcel.channel.name for parcel in house.parcels(2, room=Room(2, 100))]
    assert sorted(taken) == ["one", "two"]


def test_a_workspace_keeps_its_share(house: House) -> None:
    for name in "abc":
        house.channel(name)
    down(house, "one")
    room = Room(100, 4, 2, workspaces={house.workspace.id: 1})
    assert len(house.parcels(2, room=room)) == 1


def test_two_couriers_never_send_the_same(nodes: tuple[House, House]) -> None:
    nodes[0].channel()
    for n in range(12):
        down(nodes[0], f"w{n}")
    claims = [
        house.database.write(
            lambda tx, house=house: telling.claim(  # type: ignore[misc]  # the house of this turn
                tx, "n", after(2), Room(4, 4), house.vault, BASE_URL
            )
        )
        for house in nodes * 2
    ]
    taken = [[parcel.delivery.id for parcel in claim.result(60)] for claim in claims]
    ids = [one for part in taken for one in part]
    assert len(ids) == len(set(ids))
    assert max(map(len, taken)) <= 4


def state(house: House) -> tuple[str, str, int, datetime | None]:
    """Return what the only delivery is."""
    (row,) = house.rows("deliveries")
    return row["state"], row["reason"], row["attempts"], row["settled_at"]


def test_a_delivery_that_arrived_is_sent(house: House) -> None:
    house.channel()
    down(house, "one")
    house.settle(house.parcels(2)[0], 3, Verdict.SENT, detail="HTTP 200")
    assert state(house) == ("sent", "HTTP 200", 1, after(3))
    (receipt,) = house.rows("receipts")
    assert (receipt["attempt"], receipt["verdict"], receipt["status_code"], receipt["at"]) == (
        1, "sent", 200, after(3),
    )  # fmt: skip
    assert (house.rows("tasks"), house.audit(4)) == ([], [])


def test_a_delivery_is_tried_for_a_day_and_then_given_up(house: House) -> None:
    house.channel()
    down(house, "one")
    at, waits = 2.0, []
    while parcels := house.parcels(at):
        house.settle(parcels[0], at, Verdict.RETRY, status_code=500)
        if tasks := house.rows("tasks"):
            waits.append((tasks[0]["run_at"] - after(at)).total_seconds())
            assert house.parcels(at + waits[-1] - 0.01) == []
            at += waits[-1]
    assert waits == list(RETRY_PLAN_S[1:])
    assert state(house) == ("failed", "ok", len(RETRY_PLAN_S), after(at))
    assert len(house.rows("receipts")) == len(RETRY_PLAN_S)
    assert house.audit(at) == []


def test_the_receiver_may_ask_for_a_longer_wait(house: House) -> None:
    house.channel()
    down(house, "one")
    house.settle(house.parcels(2)[0], 2, Verdict.RETRY, retry_after_s=120)
    assert house.rows("tasks")[0]["run_at"] == after(122)
    assert state(house)[:3] == ("pending", "", 1)


def test_gone_switches_the_channel_off_and_what_follows_fails(house: House) -> None:
    channel = house.channel()
    down(house, "one")
    down(house, "two")
    first, second = house.parcels(2)
    house.settle(first, 3, Verdict.DISABLE, status_code=410, detail="Gone " * 100)
    reason = house.rows("channels")[0]["disabled_reason"]
    assert (reason[:22], len(reason)) == ("it answered: Gone Gone", 255)
    house.settle(second, 3, Verdict.RETRY)
    assert house.parcels(60) == []
    failed = {row["reason"][:15] for row in house.rows("deliveries") if row["state"] == "failed"}
    assert failed == {"Gone Gone Gone ", "channel is off:"}
    house.do(channels.change_channel, channel, house.vault, enabled=True)
    house.ping(heard(house.find("one"), 61))
    assert len(house.parcels(62)) == 1
    assert house.audit(62) == []


def test_a_channel_that_cannot_be_opened_fails_alone(house: House) -> None:
    broken = house.channel("broken")
    house.channel("sound")
    damaged = update(channel_table).where(channel_table.c.id == broken.id).values(sealed=b"x")
    house.plant(damaged)
    down(house, "one")
    assert [parcel.channel.name for parcel in house.parcels(2)] == ["sound"]
    failed = [row for row in house.rows("deliveries") if row["state"] == "failed"]
    assert [row["channel_id"] for row in failed] == [broken.id]


def test_a_delivery_given_back_does_not_count(house: House) -> None:
    house.channel()
    down(house, "one")
    (parcel,) = house.parcels(2)
    assert house.do(telling.give_back, parcel, after(3)) is True
    assert house.do(telling.give_back, parcel, after(3)) is False
    (again,) = house.parcels(4, "node-b")
    assert again.task.attempt == 1


def test_a_zombie_courier_writes_nothing(house: House) -> None:
    house.channel()
    down(house, "one")
    house.join("node-a", 2)
    (zombie,) = house.parcels(2)
    house.join("node-b", 20)
    assert house.do(node_cases.reap, after(20)) == 1
    (parcel,) = house.parcels(21, "node-b")
    before = house.everything()
    for verdict in Verdict:
        house.settle(zombie, 22, verdict)
    assert house.everything() == before
    house.settle(parcel, 23, Verdict.SENT)
    assert state(house)[0] == "sent"


def test_a_test_message_goes_the_real_way(house: House) -> None:
    channel = house.channel()
    delivery = house.do(telling.test_channel, house.workspace.id, channel.id, after(1))
    (parcel,) = house.parcels(2)
    message = parcel.message
    assert (message.event, message.delivery_id, message.url) == (Event.TEST, delivery.id, BASE_URL)
    house.settle(parcel, 2, Verdict.SENT)
    assert (state(house)[0], house.audit(3)) == ("sent", [])


# --- what else is down -------------------------------------------------------------------------


def test_a_message_says_what_else_is_down(house: House) -> None:
    house.channel()
    down(house, "mail")
    down(house, "dns")
    house.ping(heard(house.find("mail"), 2))
    names = "also_down", "also_down_count", "also_down_since_at"
    by_slug = {
        (row["message"]["items"][0]["slug"], row["event"]): [
            row["message"].get(name) for name in names
        ]
        for row in house.rows("deliveries")
    }
    dns, mail = house.find("dns"), house.find("mail")
    fell_at = by_slug["dns", "down"][2]
    assert by_slug == {
        ("mail", "down"): [[], 0, None],
        ("dns", "down"): [[mail.name], 1, fell_at],
        ("mail", "recovered"): [
            [dns.name],
            1,
            dns.watch.since_at and dns.watch.since_at.isoformat(),
        ],
    }
    assert fell_at


def test_many_that_are_down_are_counted_and_few_are_named(house: House) -> None:
    house.channel()
    for number in range(8):
        down(house, f"w{number}")
    facts = (row["message"] for row in house.rows("deliveries"))
    last = max(facts, key=lambda one: one["also_down_count"])
    assert (len(last["also_down"]), last["also_down_count"]) == (5, 7)
    assert "also_down_since_at" not in last  # of some nothing is known
    parcel = next(iter(house.parcels(3)))
    assert parcel.message.count == 1


def test_deliveries_of_before_are_read_in_their_own_form(house: House) -> None:
    """What was pending when messages got their present form is told, too."""
    house.channel()
    down(house, "one")
    (row,) = house.rows("deliveries")
    (item,) = row["message"]["items"]
    names = item.keys() - {
        "event", "kind", "schedule", "grace_s", "slow_after_ms", "last_ok_ms", "about"
    }  # fmt: skip
    bare = {name: item[name] for name in names}
    changed = update(delivery_table).values(message=bare)
    house.database.write(lambda tx: tx.conn.execute(changed)).result(30)
    (parcel,) = house.parcels(3)
    assert (parcel.message.event, parcel.message.key) == (Event.DOWN, item["watch_id"])
    assert parcel.message.first.slug == "one"


def test_a_webhook_in_another_product_s_words_has_its_names(house: House) -> None:
    """Where it has none yet, it gets them: its receiver may ask its API for what it was told of."""
    record = house.watch("one")
    given = house.do(aliases.give, record, "cronmonitor")
    for form in ("standard", "cronmonitor", "cronpulse"):
        made = house.do(
            channels.add_channel, house.workspace.id, form, "webhook",
            {"url": "http://x", "format": form}, {"secrets": []}, house.vault, after(0),
        )  # fmt: skip
        house.rule(made, Rule("", made.id))
    house.ping(heard(record, 0), heard(record, 1, FAIL))
    names = {parcel.channel.name: parcel.message.first.alias for parcel in house.parcels(2)}
    new = names.pop("cronpulse")
    assert new
    found, same = house.see(aliases.find, house.workspace.id, "cronpulse", new.name)
    assert (same.id, found.number, found.ping_key) == (record.id, new.number, new.ping_key)
    assert names == {
        "standard": None,
        "cronmonitor": Alias(given.name, given.number, given.ping_key),
    }
