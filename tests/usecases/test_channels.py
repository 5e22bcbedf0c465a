"""Channels and rules on both databases: what may be shown, what is sealed, what goes with them."""

import pytest

from dogwatch.core.alerts import Event, Rule, Scope, Verdict
from dogwatch.core.ping import Kind
from dogwatch.core.problems import Problem
from dogwatch.usecases import channels, rules
from tests.harness.house import House, after, heard

EVERY = frozenset(Event)


def test_a_removed_channel_takes_all_with_it(house: House) -> None:
    channel = house.channel()
    record = house.watch("one")
    house.ping(heard(record, 0), heard(record, 1, Kind.FAIL))
    (parcel,) = house.parcels(2)
    house.do(channels.remove_channel, house.workspace.id, channel.id)
    left = house.everything()
    assert [left[name] for name in ("channels", "rules", "deliveries", "tasks")] == [[]] * 4
    house.settle(parcel, 3, Verdict.SENT)
    assert house.rows("receipts") == []
    with pytest.raises(Problem, match="there is no channel"):
        house.do(channels.remove_channel, house.workspace.id, channel.id)


def test_a_settings_secret_is_sealed_and_comes_back(house: House) -> None:
    channel = house.channel()
    opened = channels.unsealed(house.vault, channel)
    assert opened == {"url": "https://hook.example/", "secrets": ["whsec_c2VjcmV0"]}
    changed = house.do(
        channels.change_channel, channel, house.vault, name="New", public={"url": "x"},
        secret={"secrets": ["whsec_canary"]}, enabled=False,
    )  # fmt: skip
    assert (changed.name, changed.disabled_reason) == ("New", "switched off")
    assert channels.unsealed(house.vault, changed) == {"url": "x", "secrets": ["whsec_canary"]}
    assert "canary" not in repr(house.everything())
    assert "hook.example" not in repr(house.everything())
    assert "c2VjcmV0" not in repr(house.everything())


def test_a_rule_needs_what_it_names(house: House) -> None:
    channel = house.channel()
    record = house.watch("one")
    scope = Scope("watches", frozenset({"one"}))
    made = house.do(
        rules.add_rule, house.workspace.id, Rule("", channel.id, EVERY, scope), after(0)
    )
    assert made.scope.values == {record.id}
    page = house.see(rules.rule_page, house.workspace.id, 10, "")
    assert [rule.id for rule, _ in page][-1] == made.id
    for wrong in (
        Rule("", "nothing"),
        Rule("", channel.id, EVERY, Scope("watches", frozenset("x"))),
    ):
        with pytest.raises(Problem, match="there is no"):
            house.do(rules.add_rule, house.workspace.id, wrong, after(0))
    house.do(rules.remove_rule, house.workspace.id, made.id, after(0))
    with pytest.raises(Problem, match="there is no rule"):
        house.do(rules.remove_rule, house.workspace.id, made.id, after(0))
