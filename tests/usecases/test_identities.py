"""Identities on both databases: one person each, by issuer and subject alone."""

from concurrent.futures import wait

import pytest

from dogwatch.core.problems import Problem
from dogwatch.usecases import identities, people
from dogwatch.usecases.people import User
from tests.harness.house import House, after

HERE, THERE = "https://id.example", "https://id.example/"


def person(house: House, name: str, password: str | None = "hash") -> User:
    return house.do(people.make, f"{name}@example.org", name, password, after(0))


def who(house: House, issuer: str, subject: str) -> str | None:
    found = house.see(identities.known, issuer, subject)
    return found.name if found else None


def test_issuer_and_subject_count_letter_by_letter(house: House) -> None:
    ana, ben = person(house, "ana"), person(house, "ben")
    house.do(identities.link, ana.id, HERE, "a-1")
    house.do(identities.link, ben.id, HERE, "A-1")
    house.do(identities.link, ben.id, THERE, "a-1")
    found = [who(house, *one) for one in ((HERE, "a-1"), (HERE, "A-1"), (THERE, "a-1"))]
    assert found == ["ana", "ben", "ben"]
    assert who(house, HERE, "a-1 ") is None


def test_an_identity_of_another_is_a_conflict_and_so_is_a_second(house: House) -> None:
    ana, ben = person(house, "ana"), person(house, "ben")
    house.do(identities.link, ana.id, HERE, "1")
    with pytest.raises(Problem, match="belongs to another account"):
        house.do(identities.link, ben.id, HERE, "1")
    with pytest.raises(Problem, match="remove that one first"):
        house.do(identities.link, ana.id, HERE, "2")
    house.do(identities.unlink, ana, HERE)
    house.do(identities.link, ben.id, HERE, "1")
    with pytest.raises(Problem, match="no identity"):
        house.do(identities.unlink, ana, HERE)


def test_of_rivals_one_gets_the_identity(house: House) -> None:
    rivals = [person(house, f"rival{number}") for number in range(4)]

    futures = [
        house.database.write(lambda tx, one=one: identities.link(tx, one.id, HERE, "1"))  # type: ignore[misc]  # mypy infers no default of a lambda
        for one in rivals
    ]
    wait(futures, 60)
    refused = [future.exception() for future in futures if future.exception()]
    assert len(refused) == 3
    assert {str(one) for one in refused} == {identities.TAKEN}


def test_the_only_way_in_stays(house: House) -> None:
    person(house, "ana")
    ben = house.do(identities.make, HERE, "1", "ben@example.org", "Ben", after(0))
    with pytest.raises(Problem, match="your only way in"):
        house.do(identities.unlink, ben, HERE)


def test_who_is_shut_out_is_not_let_in(house: House) -> None:
    ana = person(house, "ana")
    house.do(identities.link, ana.id, HERE, "1")
    house.do(people.disable, ana, after(1))
    with pytest.raises(Problem, match="shut out"):
        who(house, HERE, "1")
    with pytest.raises(Problem, match="no such person"):
        house.do(identities.link, ana.id, THERE, "1")


def test_newcomers_are_of_a_domain_and_never_the_first(house: House) -> None:
    def came(subject: str, email: str | None) -> str | None:
        made = house.do(
            identities.newcomer, HERE, subject, email, "N" * 300, {"example.org"}, after(0)
        )
        return made.email if made else None

    assert came("1", "ben@example.org") is None
    person(house, "ana")
    assert [came("1", one) for one in ("ben@example.org.evil", "@", None)] == [None] * 3
    assert came("1", "ben@example.org") == "ben@example.org"
    with pytest.raises(Problem, match="already"):
        came("2", "ANA@example.org")
    assert who(house, HERE, "2") is None
