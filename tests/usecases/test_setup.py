"""The first person: one link, fifteen minutes, five tries, one winner."""

import threading

import pytest

from dogwatch.core.policy import Role
from dogwatch.core.problems import Problem
from dogwatch.store.database import Tx
from dogwatch.usecases import members, setup
from dogwatch.usecases.people import User
from tests.harness.house import House, after, meet


def claimed(house: House, code: str, at: float = 1) -> User | None:
    return house.do(setup.claim, code, "ana@example.org", "", "hash", house.vault, after(at))


def offered(house: House, at: float = 0) -> str:
    code = house.do(setup.offer, house.vault, after(at))
    assert code
    return code


def test_the_first_person_is_admin_and_owner_and_then_it_is_over(house: House) -> None:
    code = offered(house)
    user = claimed(house, code)
    assert user
    assert user.admin_at == after(1)
    (member,) = house.see(members.listed, house.workspace.id)
    assert (member.email, member.role) == ("ana@example.org", Role.OWNER)
    assert house.do(setup.offer, house.vault, after(2)) is None
    with pytest.raises(Problem) as caught:
        claimed(house, code, 3)
    assert caught.value.kind == "not_found"


def test_the_link_is_good_for_a_quarter_of_an_hour(house: House) -> None:
    code = offered(house)
    assert claimed(house, code, 900) is None
    assert claimed(house, offered(house, 900), 901)


def test_five_wrong_tries_wear_it_out(house: House) -> None:
    code = offered(house)
    for _ in range(5):
        assert claimed(house, "wrong") is None
    assert claimed(house, code) is None


def test_a_new_link_voids_the_one_before(house: House) -> None:
    old, new = offered(house), offered(house)
    assert claimed(house, old) is None
    assert claimed(house, new)


def test_without_an_offer_nothing_can_be_claimed(house: House) -> None:
    assert claimed(house, "") is None


def test_of_many_at_once_one_wins(nodes: tuple[House, House]) -> None:
    code = offered(nodes[0])
    met = threading.Barrier(2)

    def claim(tx: Tx) -> bool:
        meet(met)
        return bool(setup.claim(tx, code, "a@b.c", "", "hash", nodes[0].vault, after(1)))

    told: list[object] = []
    for future in [house.database.write(claim) for house in nodes for _ in range(10)]:
        try:
            told.append(future.result(30))
        except Problem as problem:
            told.append(problem.kind)
    assert sorted(map(str, told)) == ["True", *["not_found"] * 19]
    assert len(nodes[0].rows("users")) == 1
