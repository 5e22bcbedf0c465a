"""Passwords: Argon2id with fixed costs, few at a time, nobody told from somebody."""

import asyncio
from collections.abc import Iterator

import pytest

from dogwatch.core.problems import Problem
from dogwatch.passwords import MOST, Passwords

GOOD = "correct horse battery"


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    made = Passwords(waiting=2)
    yield made
    made.close()


def test_a_hash_is_of_that_password_alone(passwords: Passwords) -> None:
    async def story() -> None:
        stored = await passwords.hash(GOOD)
        assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        assert GOOD not in stored
        assert await passwords.verify(stored, GOOD)
        assert not await passwords.verify(stored, GOOD + " ")
        assert stored != await passwords.hash(GOOD)
        assert not passwords.outdated(stored)

    asyncio.run(story())


@pytest.mark.parametrize("stored", [None, "", "not a hash", "$argon2id$v=19$m=8,t=1,p=1$AA$AA"])
def test_who_has_no_password_cannot_sign_in(passwords: Passwords, stored: str | None) -> None:
    assert asyncio.run(passwords.verify(stored, "")) is False


@pytest.mark.parametrize(
    "weak", ["", "short", "123456789", "aaaaaaaaaaaa", "Password123", "x" * (MOST + 1)]
)
def test_weak_ones_are_refused_without_being_repeated(passwords: Passwords, weak: str) -> None:
    with pytest.raises(Problem) as caught:
        passwords.hash_now(weak)
    assert caught.value.kind == "invalid"
    assert not weak or weak not in caught.value.message


def test_too_many_at_once_are_refused(passwords: Passwords) -> None:
    async def story() -> list[object]:
        tries = [passwords.verify(None, GOOD) for _ in range(5)]
        return list(await asyncio.gather(*tries, return_exceptions=True))

    told = asyncio.run(story())
    assert told[:3] == [False] * 3
    assert [one.kind for one in told[3:] if isinstance(one, Problem)] == ["limited"] * 2


def test_an_endless_password_costs_nothing(passwords: Passwords) -> None:
    assert asyncio.run(passwords.verify(passwords.hash_now(GOOD), "x" * 10_000_000)) is False
