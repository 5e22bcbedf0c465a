"""Who is told that something works again: who was told that it did not, and nobody else."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from dogwatch.core.alerts import Escalation, Event, Rule, Scope, Verdict
from dogwatch.core.ping import Kind
from dogwatch.core.windows import WindowSpec
from dogwatch.store.channels import ChannelRow
from dogwatch.store.database import Tx
from dogwatch.store.retention import Keep
from dogwatch.usecases import (
    dependencies,
    hooks,
    incidents,
    maintenance,
    pings,
    rehearsal,
    retention,
    rules,
    timers,
    watches,
    why,
)
from dogwatch.usecases.hooks import Hook
from tests.harness.house import House, after, heard, statements

DOWN, SLOW, RECOVERED = Event.DOWN, Event.DEGRADED, Event.RECOVERED
USUAL = frozenset({DOWN, RECOVERED})
EVERY = frozenset({DOWN, SLOW, RECOVERED})
ELSEWHERE = Scope("tags", frozenset({"none"}))
EVER = 10**9


def rule(*, events: frozenset[Event] = USUAL, delay_s: int = 0, scope: Scope | None = None) -> Rule:
    return Rule("", "", events, scope or Scope(), delay_s)


def step(house: House, at: float) -> None:
    """Do all that is due."""
    while house.do(timers.step, after(at)):
        pass


def told(house: House, channel: str = "hook") -> list[str]:
    """Return what a channel was told or is about to be, in order."""
    ids = {row["id"]: row["name"] for row in house.rows("channels")}
    gone = [
        row["event"]
        for row in house.rows("deliveries")
        if ids[row["channel_id"]] == channel and row["state"] in ("pending", "sent", "failed")
    ]
    return [event for event in gone if event != "test"]


class Story:
    """One watch and one channel. Each word happens twenty seconds after the one before it."""

    def __init__(self, house: House, settings: dict[str, str] | None = None) -> None:
        self.house, self.at = house, 0.0
        self.record = house.watch("one", slow_after_ms=1000)
        self.hook = house.channel("hook", rule(scope=ELSEWHERE), settings=settings)

    def tell(self, words: str) -> "Story":
        for word in words.split():
            self.at += 20
            step(self.house, self.at)
            WORDS[word](self)
        step(self.house, self.at + 5000)
        return self

    def ping(self, kind: Kind) -> None:
        self.house.ping(heard(self.record, self.at, kind))

    def slow(self) -> None:
        self.ping(Kind.START)
        self.house.ping(heard(self.record, self.at + 5))

    def ruled(self, new: Rule | None) -> None:
        """Have this rule alone for all watches, be it by another id; None for no rule at all."""
        house = self.house
        for row in house.rows("rules"):
            if row["scope"]["kind"] == "all":
                house.do(rules.remove_rule, house.workspace.id, row["id"], after(self.at))
        if new:
            house.rule(self.hook, new, self.at)

    def edited(self, events: frozenset[Event]) -> None:
        """Have the rule, whose id stays, ask for other events."""
        own = self.house.workspace.id
        found = self.house.see(rules.rule_page, own, 10, "")
        (mine,) = (one for one, _ in found if one.scope.kind == "all")
        self.house.do(rules.change_rule, own, replace(mine, events=events), after(self.at))


WORDS: dict[str, Callable[[Story], object]] = {
    "up": lambda story: story.ping(Kind.OK),
    "fail": lambda story: story.ping(Kind.FAIL),
    "slow": Story.slow,
    "pause": lambda story: story.house.on("one", watches.pause, after(story.at)),
    "resume": lambda story: story.house.on("one", watches.resume, after(story.at)),
    "usual": lambda story: story.ruled(rule()),
    "every": lambda story: story.ruled(rule(events=EVERY)),
    "patient": lambda story: story.ruled(rule(events=EVERY, delay_s=60)),
    "slowness": lambda story: story.ruled(rule(events=frozenset({SLOW, RECOVERED}))),
    "alone": lambda story: story.ruled(rule(events=frozenset({RECOVERED}))),
    "nothing": lambda story: story.ruled(None),
    "edit": lambda story: story.edited(EVERY),
    "wait": lambda story: setattr(story, "at", story.at + 100),
    "rehearse": lambda story: story.house.do(
        rehearsal.rehearse, story.house.workspace.id, "one", after(story.at)
    ),
}
STORIES = [
    # made, assigned or applied while something is wrong: the end of it is none of its own
    ("up fail usual up", ""),
    ("up fail usual up fail up", "down recovered"),
    ("up fail every slow up", ""),
    ("up slow every up", ""),
    ("up slow fail every up", ""),
    ("up fail pause resume every up", ""),
    ("up fail alone every up", ""),
    ("up fail alone edit up", ""),
    ("up fail usual rehearse up", ""),
    ("up fail slow every up", ""),
    # what a rule does not ask for is not its own, either
    ("usual up slow up", ""),
    ("usual up slow up fail up", "down recovered"),
    # who was told hears the end, whatever came between
    ("usual up fail up", "down recovered"),
    ("usual up slow fail up", "down recovered"),
    ("every up slow fail up", "degraded down recovered"),
    ("every up fail slow up", "down recovered recovered"),
    ("up slow every fail up", "down recovered"),
    ("up fail pause every resume up", "down recovered"),
    ("every up fail pause resume up", "down down recovered"),
    # by the same rule edited, or another in its place, as files are applied
    ("usual up fail edit up", "down recovered"),
    ("usual up fail every up", "down recovered"),
    ("usual up fail nothing usual up", "down recovered"),
    ("every up slow nothing fail every up", "degraded recovered"),
    ("slowness up slow fail edit up", "degraded recovered"),
    ("usual up fail pause nothing resume usual up", "down recovered"),
    # though what came last was held and never told
    ("patient up slow wait fail up", "degraded recovered"),
    ("patient up fail wait pause resume up", "down recovered"),
    ("patient up fail wait slow fail up", "down recovered"),
    ("patient up fail up", ""),
    ("patient up slow fail up", ""),
    # recoveries alone, and the end of what a rule for slowness does not ask for, as ever
    ("alone up fail up", "recovered"),
    ("up fail alone up", "recovered"),
    ("up fail slow alone up", "recovered"),
    ("slowness up fail up", "recovered"),
    ("slowness up slow fail up", "degraded recovered"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "expected"), STORIES, ids=[row[0] for row in STORIES])
def test_who_was_told_of_a_trouble_is_told_of_its_end(
    house: House, words: str, expected: str
) -> None:
    story = Story(house).tell(words)
    assert told(house) == expected.split()
    if "edit" not in words:  # the audit takes a rule for what it is now
        assert house.audit(story.at + 5000) == []


def test_the_same_holds_within_one_batch(house: House) -> None:
    house.channel("hook", rule(events=frozenset({SLOW, RECOVERED})))
    channel = house.rows("channels")[0]["id"]
    house.do(
        rules.add_rule, house.workspace.id,
        Rule("", channel, frozenset({DOWN}), delay_s=300), after(0),
    )  # fmt: skip
    record = house.watch("one", slow_after_ms=1000)
    house.ping(
        heard(record, 0), heard(record, 10, Kind.START), heard(record, 15),
        heard(record, 20, Kind.FAIL), heard(record, 30),
    )  # fmt: skip
    assert told(house) == ["degraded", "recovered"]


def test_why_says_that_no_rule_told_of_what_ended(house: House) -> None:
    story = Story(house).tell("up fail usual up")
    sentence = house.see(why.why, house.workspace.id, "one", after(story.at + 1)).sentence
    assert sentence.endswith(
        "That it recovered: hook was not told (no rule told it of what this ends)."
    )


def test_another_channel_in_a_rule_was_told_nothing(house: House) -> None:
    story = Story(house).tell("usual up fail")
    other = house.channel("other", rule(scope=ELSEWHERE))
    own = house.workspace.id
    (mine,) = (one for one, _ in house.see(rules.rule_page, own, 10, "") if not one.scope.values)
    house.do(rules.change_rule, own, replace(mine, channel_id=other.id), after(50))
    story.tell("up")
    assert (told(house), told(house, "other")) == (["down"], [])


def test_a_watch_that_gets_a_tag_is_not_told_of_by_its_rules(house: House) -> None:
    house.channel("hook", rule(scope=Scope("tags", frozenset({"db"}))))
    record = house.watch("one")
    house.ping(heard(record, 0), heard(record, 1, Kind.FAIL))
    tag(house, "one", 2)
    house.ping(heard(record, 3))
    assert told(house) == []


def test_a_hook_in_another_product_s_words_tells_no_end_without_a_beginning(house: House) -> None:
    record = house.watch("one")
    house.ping(heard(record, 0), heard(record, 1, Kind.FAIL))
    settings = {"url": "https://hook.example/", "format": "cronowl"}
    house.on("one", hooks.give, Hook("webhook", "owl", settings, {}), house.vault, after(2))
    house.ping(heard(record, 3))
    assert told(house, "owl") == []
    house.ping(heard(record, 4, Kind.FAIL), heard(record, 5))
    assert told(house, "owl") == ["down", "recovered"]


# --- told by other ways -------------------------------------------------------------------------


def escalated(house: House) -> ChannelRow:
    """Have a team, which is told first and again, and a chief who is told later; return him."""
    chief = house.channel("chief", rule(scope=ELSEWHERE))
    steps = (Escalation(chief.id, 900),)
    house.channel("team", Rule("", "", USUAL, repeat_s=600, escalations=steps))
    fail(house, "one", 1)
    return chief


def fail(house: House, slug: str, at: float, **spec: Any) -> None:
    record = house.watch(slug, **spec)
    house.ping(heard(record, at - 1), heard(record, at, Kind.FAIL))


def tag(house: House, slug: str, at: float) -> None:
    """Have a watch be one of the databases from now on."""
    spec = replace(watches.spec_of(house.find(slug)), tags=("db",))
    house.on(slug, watches.edit, spec, after(at))


def recover(house: House, slug: str, at: float) -> None:
    house.ping(heard(house.find(slug), at))


@pytest.mark.parametrize(("at", "expected"), [(902, ["down", "recovered"]), (800, [])])
def test_who_was_told_by_an_escalation_is_told_of_the_end(
    house: House, at: float, expected: list[str]
) -> None:
    chief = escalated(house)
    for due in (601, 901):
        step(house, min(due, at))
    house.rule(chief, rule(), at)
    recover(house, "one", at + 1)
    assert told(house, "chief") == expected
    assert told(house, "team")[-1] == "recovered"


def test_an_escalation_came_before_the_own_alert_that_was_held(house: House) -> None:
    chief = escalated(house)
    house.rule(chief, rule(delay_s=3600), 0)
    fail(house, "two", 2)
    step(house, 902)
    recover(house, "two", 903)
    assert told(house, "chief") == ["down", "recovered"]


def test_an_outage_that_outlasts_what_is_kept_has_an_end(house: House) -> None:
    chief = escalated(house)
    step(house, 901)
    for parcel in [*house.parcels(901), *house.parcels(901)]:
        house.settle(parcel, 901, Verdict.SENT)
    house.do(incidents.acknowledge, house.workspace.id, "1", "Ana", after(902))
    house.rule(chief, rule(), 903)
    house.channel("new", at=903)
    prune(house, {"deliveries": Keep(1, EVER)})
    recover(house, "one", 9 * 86_400)
    assert [told(house, name)[-1:] for name in ("team", "chief", "new")] == [
        ["recovered"], ["recovered"], [],
    ]  # fmt: skip


def test_where_nothing_is_known_any_more_the_end_is_told(house: House) -> None:
    fail(house, "one", 1)
    house.channel()
    prune(house, {"flips": Keep(1, EVER)})
    recover(house, "one", 9 * 86_400)
    assert told(house) == ["recovered"]


def prune(house: House, keep: dict[str, Keep]) -> None:
    counted = house.see(retention.census, keep, {})
    assert house.do(retention.prune, keep, 30, counted, after(8 * 86_400)) in range(10)


def test_a_reminder_that_named_it_told_of_it_too(house: House) -> None:
    scope = Scope("tags", frozenset({"db"}))
    house.channel("all", rule())
    house.channel("db", Rule("", "", USUAL, scope, repeat_s=600))
    fail(house, "db1", 1, tags=("db",))
    fail(house, "web", 2)
    step(house, 601)
    tag(house, "web", 602)
    recover(house, "web", 603)
    assert told(house, "db") == ["down", "down", "recovered"]


@pytest.mark.parametrize("held_by", ["a window", "its parent"])
def test_a_reminder_of_others_tells_nothing_of_what_is_held(house: House, held_by: str) -> None:
    house.channel("hook", Rule("", "", USUAL, repeat_s=600))
    for slug in ("router", "web"):
        house.ping(heard(house.watch(slug, tags=(slug,)), 0))
    own = house.workspace.id
    if held_by == "a window":
        hour = WindowSpec("once", start_at=after(-60), end_at=after(3600))
        scope = Scope("tags", frozenset({"web"}))
        house.do(maintenance.add, own, "Upgrade", scope, hour, after(-60))
    else:
        house.do(dependencies.set_parents, own, "web", ["router"], after(0))
    for at, slug in enumerate(("router", "web"), start=1):
        house.ping(heard(house.find(slug), at, Kind.FAIL))
    step(house, 601)
    recover(house, "web", 602)
    assert told(house) == ["down", "down"]


# --- what it costs ------------------------------------------------------------------------------


def test_what_nobody_was_told_of_costs_one_question_a_batch(house: House) -> None:
    """None where all were told; one for each incident where a rule came later."""
    house.channel("old")
    bills = []
    for number in range(3):
        slugs = [f"w{number}{letter}" for letter in "abcd"]
        for slug in slugs:
            fail(house, slug, 1000 * number + 1)
        if number == 2:
            house.channel("new")
            fail(house, "other", 1000 * number + 2, project="else")  # the rules are read again
        bills.append(recovered(house, slugs, 1000 * number + 2))
    assert told(house, "new") == ["down"]
    assert bills[1:] == [bills[0], bills[0] + 1]


def recovered(house: House, slugs: Sequence[str], at: float) -> int:
    """Have these recover in one batch; return in how many statements."""
    good = [heard(house.find(slug), at) for slug in slugs]

    def batch(tx: Tx) -> int:
        with statements(tx.conn) as sent:
            pings.record(tx, good, after(at))
        return len(sent)

    return house.do(batch)
