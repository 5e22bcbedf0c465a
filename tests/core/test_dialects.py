"""What a key of a dialect may do, in the words of its product."""

from math import log2

import pytest

from dogwatch.core.dialects import DIALECTS, Dialect
from dogwatch.core.policy import SCOPES

CRONIUM = DIALECTS["cronium"]


@pytest.mark.parametrize("name", DIALECTS)
def test_what_keys_may_do_is_made_of_scopes(name: str) -> None:
    one = DIALECTS[name]
    assert {*one.scopes, *(scope for parts in one.permissions.values() for scope in parts)} <= set(
        SCOPES
    )


def test_permissions_become_scopes_and_scopes_permissions() -> None:
    assert CRONIUM.scopes_of(["execute", "read:watches"]) == ["run:jobs", "read:watches"]
    for names in (["read"], ["write"], ["execute"], ["read", "execute"]):
        assert CRONIUM.permissions_of(CRONIUM.scopes_of(names)) == names
    every = ["read", "write", "execute", "admin"]
    assert CRONIUM.permissions_of(CRONIUM.scopes_of(["admin"])) == every
    assert CRONIUM.permissions_of(["*"]) == every
    assert CRONIUM.permissions_of(["read:jobs"]) == []
    assert DIALECTS["cronowl"].scopes_of(["read"]) == ["read"]


@pytest.mark.parametrize(
    ("scope", "word"),
    [("read:jobs", "read"), ("write:jobs", "write"), ("run:jobs", "execute"),
     ("manage:keys", "admin"), ("manage:members", None)],
)  # fmt: skip
def test_a_scope_has_the_least_permission_that_gives_it(scope: str, word: str | None) -> None:
    assert CRONIUM.word_for(scope) == word
    assert DIALECTS["cronowl"].word_for(scope) is None


@pytest.mark.parametrize("one", DIALECTS.values(), ids=lambda one: one.name)
def test_a_key_holds_160_random_bits_at_least(one: Dialect) -> None:
    assert one.key.length * log2(len(set(one.key.letters))) >= 160
