"""Keys on both databases: shown once, proven by a hash, and told apart from all that are not."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import update

from dogwatch.core.policy import SCOPES, Grant, Role, grantable
from dogwatch.core.problems import Problem
from dogwatch.store.tables import keys as key_table
from dogwatch.usecases import keys, members, people, workspaces
from dogwatch.usecases.callers import Caller, host, require
from dogwatch.vault import Vault
from tests.harness.house import House, after


def new_key(house: House, name: str = "ci", *scopes: str) -> str:
    given = scopes or ("*",)
    return house.do(keys.add, house.workspace.id, name, given, house.vault, after(0))


def holder(house: House, token: str, at: float = 1) -> tuple[Caller, bool]:
    found = house.see(keys.authenticate, token, house.vault, after(at))
    return found.caller, found.stale(after(at))


def refused(house: House, token: str, at: float = 1) -> str:
    with pytest.raises(Problem) as caught:
        holder(house, token, at)
    return f"{caught.value.kind}: {caught.value.message}"


def test_a_key_opens_and_says_what_it_may(house: House) -> None:
    token = new_key(house, "ci", "read:watches", "read:watches")
    caller, stale = holder(house, token)
    assert (caller.workspace_id, caller.kind, caller.name) == (house.workspace.id, "key", "ci")
    assert (stale, caller.grant) == (True, Grant(Role.VIEWER, frozenset({"read:watches"})))
    require(caller, "watches.list")
    with pytest.raises(Problem, match="lacks the scope run:jobs"):
        require(caller, "jobs.trigger")
    assert token.startswith(keys.PREFIX)
    assert keys.checksum(token[:-6]) == token[-6:]


def test_what_a_key_may_do_is_told_in_the_words_of_the_product(house: House) -> None:
    def told(dialect: str) -> str:
        us, given = host(house.workspace.id), ("read", "fly")
        with pytest.raises(Problem) as caught:
            house.do(keys.make, us, "ci", given, house.vault, after(0), None, dialect)
        return caught.value.fields["scopes"]

    assert told("cronium") == "use some of read, write, execute, admin"
    assert told("cronowl") == told(keys.NATIVE) == f"use some of {', '.join(SCOPES)}"


def test_the_last_use_is_noted_once_a_minute(house: House) -> None:
    token = new_key(house)
    caller, _ = holder(house, token)
    house.do(keys.used, caller, after(1))
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
    second = next(key.id for key in house.see(keys.listed, house.workspace.id) if key.name == "b")
    house.do(keys.revoke, house.workspace.id, second, after(2))
    assert house.do(keys.revoke, house.workspace.id, "b", after(3)).name == "b"


# --- who may give what ------------------------------------------------------------------------


def person(house: House, name: str, role: Role, *, admin: bool = False) -> Caller:
    user = house.do(people.make, f"{name}@example.org", name, "hash", after(0), admin=admin)
    return Caller(house.workspace.id, Grant(role, instance=admin), "user", user.id, user.email)


def made_by(house: House, caller: Caller, *scopes: str, at: float = 0) -> keys.Made:
    return house.do(keys.make, caller, "k", scopes, house.vault, after(at))


def kind_of_problem(call: Callable[[], object]) -> str:
    with pytest.raises(Problem) as caught:
        call()
    return caught.value.kind


@pytest.mark.parametrize("role", Role)
def test_a_member_gives_only_scopes_that_let_a_key_do_no_more_than_he_may(
    house: House, role: Role
) -> None:
    member = person(house, "member", role)
    given = {scope for scope in SCOPES if scope in grantable(role)}
    for scope in SCOPES:
        if scope in given:
            assert made_by(house, member, scope).key.made_by == member.id
        else:
            assert kind_of_problem(partial(made_by, house, member, scope)) == "refused"


def test_a_key_to_manage_members_is_no_way_up(house: House) -> None:
    """An admin who makes himself a key stays one."""
    admin = person(house, "admin", Role.ADMIN)
    assert admin.id
    user = house.see(people.find, admin.id)
    house.do(members.appoint, house.workspace.id, user, after(0), Role.ADMIN)
    key, _ = holder(house, made_by(house, admin, "manage:members", "manage:keys").token)
    assert key.grant.role is Role.ADMIN
    upward = partial(house.do, members.change_role, key, user.id, Role.OWNER, after(1))
    assert kind_of_problem(upward) == "refused"
    invite = partial(house.do, members.invite, key, "a@b.c", Role.OWNER, house.vault, after(0))
    assert kind_of_problem(invite) == "refused"
    assert kind_of_problem(lambda: made_by(house, key, "*")) == "refused"


@pytest.mark.parametrize("role", Role)
def test_a_key_counts_as_the_least_role_that_could_make_it(house: House, role: Role) -> None:
    member = person(house, "member", role)
    for scope in grantable(role):
        assert holder(house, made_by(house, member, scope).token)[0].grant.role <= role


def test_a_key_gives_no_scope_that_it_lacks(house: House) -> None:
    narrow, _ = holder(house, new_key(house, "narrow", "manage:keys", "read:jobs"))
    assert made_by(house, narrow, "read:jobs").key.scopes == ("read:jobs",)
    for scope in ("*", "run:jobs"):
        assert kind_of_problem(partial(made_by, house, narrow, scope)) == "refused"
    new_key(house, "all")
    assert kind_of_problem(lambda: rotated(house, narrow, "all")) == "refused"


def test_only_who_administers_the_instance_reaches_it_by_key(house: House) -> None:
    owner, admin = person(house, "owner", Role.OWNER), person(house, "a", Role.OWNER, admin=True)
    other = person(house, "second", Role.OWNER, admin=True)
    by_owner, by_admin = made_by(house, owner, "*"), made_by(house, admin, "*")
    assert not holder(house, by_owner.token)[0].grant.instance
    assert holder(house, by_admin.token)[0].grant.instance
    assert holder(house, new_key(house, "host"))[0].grant.instance
    assert not holder(house, new_key(house, "part", "manage:members"))[0].grant.instance
    # What a key makes is of the one who made the key.
    third = made_by(house, holder(house, by_owner.token)[0], "*")
    assert third.key.made_by == owner.id
    assert other.id
    ada = house.see(people.find, str(admin.id))
    house.do(people.set_admin, ada, after(1), admin=False)
    assert not holder(house, by_admin.token)[0].grant.instance
    house.do(people.disable, ada, after(1))
    assert refused(house, by_admin.token) == "unauthorized: the API key is not valid"


def test_a_hosts_key_that_an_owner_rotates_reaches_the_instance_no_more(house: House) -> None:
    new_key(house, "host")
    mine = rotated(house, person(house, "owner", Role.OWNER), "host")
    assert not holder(house, mine.token)[0].grant.instance


# --- rotation and expiry ----------------------------------------------------------------------


def rotated(house: House, caller: Caller, name: str, at: float = 0, **given: Any) -> keys.Made:
    return house.do(keys.rotate, caller, name, house.vault, after(at), **given)


def test_a_rotated_key_is_good_for_a_day_beside_the_new_one(house: House) -> None:
    old = new_key(house, "ci", "read:jobs")
    new = rotated(house, host(house.workspace.id), "ci")
    assert (new.key.name, new.key.scopes) == ("ci", ("read:jobs",))
    assert holder(house, new.token, 10 * 86_400)
    assert holder(house, old, 86_399)
    assert refused(house, old, 86_400) == "unauthorized: the API key is not valid"


def test_a_key_is_rotated_once_and_without_overlap_if_asked(house: House) -> None:
    old, by = new_key(house), host(house.workspace.id)
    rotated(house, by, "ci", overlap=timedelta())
    assert refused(house, old, 0.1)
    assert kind_of_problem(lambda: rotated(house, by, old[:16], 1)) == "conflict"
    for overlap in (timedelta(days=31), timedelta(seconds=-1)):
        again = partial(rotated, house, by, "ci", overlap=overlap)
        assert kind_of_problem(again) == "invalid"


def test_revoking_a_key_ends_those_it_replaced(house: House) -> None:
    first, by = new_key(house), host(house.workspace.id)
    second, third = rotated(house, by, "ci", 1), rotated(house, by, "ci", 2)
    house.do(keys.revoke, house.workspace.id, "ci", after(3))
    for token in (first, second.token, third.token):
        assert refused(house, token, 4)


def test_rotation_never_prolongs(house: House) -> None:
    by = host(house.workspace.id)
    made = house.do(keys.make, by, "k", ["*"], house.vault, after(0), after(100))
    assert rotated(house, by, "k", 10).key.expires_at == after(100)
    assert refused(house, made.token, 100)
    past = partial(house.do, keys.make, by, "k", ["*"], house.vault, after(9), after(9))
    assert kind_of_problem(past) == "invalid"


# --- the plan and the others ------------------------------------------------------------------


def test_the_plan_bounds_the_keys_in_use(house: House) -> None:
    house.do(workspaces.assign, house.workspace.id, "free")
    owner = person(house, "owner", Role.OWNER)
    made = [made_by(house, owner, "read:jobs") for _ in range(10)]
    assert kind_of_problem(lambda: made_by(house, owner, "read:jobs")) == "exceeded"
    rotated(house, owner, made[0].key.id)
    assert kind_of_problem(lambda: made_by(house, owner, "read:jobs")) == "exceeded"
    house.do(keys.revoke, house.workspace.id, made[1].key.id, after(1))
    assert made_by(house, owner, "read:jobs")
    assert new_key(house, "host")


def test_a_strangers_key_looks_like_none(house: House) -> None:
    mine = new_key(house)
    other = house.do(workspaces.make, "Other", after(0))
    stranger = Caller(other.id, Grant(Role.OWNER), "user", None, "stranger")
    for name in ("ci", mine[:16]):
        assert kind_of_problem(partial(rotated, house, stranger, name)) == "not_found"
        revoke = partial(house.do, keys.revoke, other.id, name, after(1))
        assert kind_of_problem(revoke) == "not_found"
    assert house.see(keys.listed, other.id) == []
    assert holder(house, mine)
