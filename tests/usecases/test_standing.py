"""What is kept between alerts: read again after each change, and after no other."""

import pytest

from dogwatch.core.alerts import Event, Rule
from dogwatch.store.database import Tx
from dogwatch.usecases import channels, rules
from dogwatch.usecases.standing import Standing, standing
from tests.harness.house import House, after


def now(house: House) -> Standing:
    return house.do(standing, house.workspace.id)


def asked(found: Standing) -> int:
    return len(found.rules.sending(Event.DOWN, "any", (), None))


def test_it_is_read_again_after_a_change_alone(house: House) -> None:
    first = house.channel(rule=Rule("", ""))
    kept = now(house)
    assert (asked(kept), kept.group_windows_s) == (1, {first.id: 0})
    house.watch("one")
    assert now(house) is kept
    rule = house.rule(first, Rule("", ""))
    assert asked(now(house)) == 2
    house.do(rules.remove_rule, house.workspace.id, rule.id, after(0))
    assert asked(now(house)) == 1
    house.do(channels.regroup, first, 60)
    assert now(house).group_windows_s == {first.id: 60}
    house.do(channels.remove_channel, house.workspace.id, first.id)
    assert now(house) == Standing(now(house).rules, {})
    assert asked(now(house)) == 0


def test_what_is_rolled_back_is_not_kept(house: House) -> None:
    channel = house.channel(rule=Rule("", ""))
    kept = now(house)

    def fail(tx: Tx) -> None:
        rules.add_rule(tx, house.workspace.id, Rule("", channel.id), after(0))
        assert asked(standing(tx, house.workspace.id)) == 2
        raise LookupError

    with pytest.raises(LookupError):
        house.do(fail)
    assert now(house) is kept
