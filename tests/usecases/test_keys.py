"""Keys on both databases: shown once, proven by a hash, and told apart from all that are not."""

import pytest
from sqlalchemy import update

from dogwatch.core.problems import Problem
from dogwatch.store.tables import keys as key_table
from dogwatch.usecases import keys
from dogwatch.vault import Vault
from tests.harness.house import House, after


def new_key(house: House, name: str = "ci", *scopes: str) -> str:
    given = scopes or ("*",)
    return house.do(keys.add, house.workspace.id, name, given, house.vault, after(0))


def holder(house: House, token: str, at: float = 1) -> tuple[keys.Principal, bool]:
    return house.see(keys.authenticate, token, house.vault, after(at))


def refused(house: House, token: str, at: float = 1) -> str:
    with pytest.raises(Problem) as caught:
        holder(house, token, at)
    return f"{caught.value.kind}: {caught.value.message}"


def test_a_key_opens_and_says_what_it_may(house: House) -> None:
    token = new_key(house, "ci", "read:watches", "read:watches")
    principal, stale = holder(house, token)
    assert (principal.workspace_id, principal.scopes) == (house.workspace.id, ("read:watches",))
    assert (stale, principal.may("read:watches"), principal.may("write:jobs")) == (
        True, True, False,
    )  # fmt: skip
    keys.require(principal, "read:watches")
    with pytest.raises(Problem, match="lacks the scope run:jobs"):
        keys.require(principal, "run:jobs")
    assert token.startswith(keys.PREFIX)
    assert keys.checksum(token[:-6]) == token[-6:]


def test_the_last_use_is_noted_once_a_minute(house: House) -> None:
    token = new_key(house)
    principal, _ = holder(house, token)
    house.do(keys.used, principal, after(1))
    assert [holder(house, token, at)[1] for at in (2, 61, 62)] == [False, False, True]


def test_all_that_is_no_valid_key_looks_the_same(house: House) -> None:
    token = new_key(house)
    expired, revoked = new_key(house, "expired"), new_key(house, "revoked")
    house.plant(update(key_table).where(key_table.c.name == "expired").values(expires_at=after(10)))
    house.do(keys.revoke, house.workspace.id, "revoked", after(5))
    wrong = token[:20] + ("a" if token[20] != "a" else "b") + token[21:]
    others = ["", "x", "dw_live_", "hc_live_" + token[8:], token + "x", token.upper(), wrong]
    answers = {refused(house, one, 10) for one in [*others, revoked, expired]}
    assert answers == {"unauthorized: the API key is not valid"}
    assert holder(house, expired, 9)
    other = House(house.database, Vault(b"o" * 32))
    assert refused(other, token) in answers


def test_a_key_is_never_stored(house: House) -> None:
    token = new_key(house)
    assert token not in repr(house.everything())
    assert token[len(keys.PREFIX) + 8 :] not in repr(house.everything())
    (shown,) = house.see(keys.listed)
    assert set(shown) == {
        "id", "name", "prefix", "scopes", "created_at", "last_used_at", "revoked_at",
    }  # fmt: skip


def test_a_key_needs_a_name_and_known_scopes(house: House) -> None:
    for name, scopes in ((" ", ["*"]), ("x" * 201, ["*"]), ("ci", []), ("ci", ["root"])):
        with pytest.raises(Problem) as caught:
            house.do(keys.add, house.workspace.id, name, scopes, house.vault, after(0))
        assert caught.value.kind == "invalid"
    assert house.rows("keys") == []


def test_a_key_is_revoked_by_any_of_its_names(house: House) -> None:
    token = new_key(house, "a")
    new_key(house, "b")
    new_key(house, "b")
    assert house.do(keys.revoke, house.workspace.id, token[:16], after(1)).name == "a"
    with pytest.raises(Problem, match="there is no valid key"):
        house.do(keys.revoke, house.workspace.id, "a", after(2))
    with pytest.raises(Problem, match="2 keys are named"):
        house.do(keys.revoke, house.workspace.id, "b", after(2))
    second = next(key["id"] for key in house.see(keys.listed) if key["name"] == "b")
    house.do(keys.revoke, house.workspace.id, second, after(2))
    assert house.do(keys.revoke, house.workspace.id, "b", after(3)).name == "b"
