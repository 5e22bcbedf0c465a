"""Members: nobody gives more than he has, and an owner stays."""

import pytest

from dogwatch.core.policy import Grant, Role
from dogwatch.core.problems import Problem
from dogwatch.store import members as stored
from dogwatch.store import workspaces
from dogwatch.usecases import audit_log, keys, members, people, retention
from dogwatch.usecases.callers import Caller
from dogwatch.usecases.people import User
from tests.harness.house import House, after


def person(house: House, name: str, role: Role | None = None) -> User:
    user = house.do(people.make, f"{name}@example.org", name, "hash", after(0))
    if role:
        house.do(stored.add, house.workspace.id, user.id, role, after(0))
    return user


def caller(house: House, role: Role) -> Caller:
    return Caller(house.workspace.id, Grant(role), "user", None, "somebody")


def invited(house: House, role: Role = Role.EDITOR, at: float = 0) -> str:
    by = caller(house, Role.OWNER)
    _, code = house.do(members.invite, by, "new@example.org", role, house.vault, after(at))
    return code


def roles(house: House) -> dict[str, str]:
    found = house.see(members.listed, house.workspace.id)
    return {one.name: one.role.name.lower() for one in found}


def test_a_link_makes_a_member_once(house: House) -> None:
    code, user, other = invited(house), person(house, "new"), person(house, "other")
    member = house.do(members.accept, code, user, house.vault, after(5))
    assert (member.email, member.role) == ("new@example.org", Role.EDITOR)
    with pytest.raises(Problem, match="not valid"):
        house.do(members.accept, code, other, house.vault, after(6))
    assert roles(house) == {"new": "editor"}
    assert code not in repr(house.everything())


def test_a_link_is_good_for_a_week_and_can_be_taken_back(house: House) -> None:
    late, back, user = invited(house), invited(house, at=1), person(house, "new")
    with pytest.raises(Problem, match="not valid"):
        house.do(members.accept, late, user, house.vault, after(7 * 86_400))
    (_, open_one) = house.see(members.invited, house.workspace.id)
    house.do(members.uninvite, house.workspace.id, open_one.id)
    with pytest.raises(Problem, match="not valid"):
        house.do(members.accept, back, user, house.vault, after(1))
    with pytest.raises(Problem, match="no such invitation"):
        house.do(members.uninvite, house.workspace.id, open_one.id)


def test_an_invitation_never_lowers_a_role(house: House) -> None:
    owner = person(house, "owner", Role.OWNER)
    house.do(members.accept, invited(house), owner, house.vault, after(1))
    assert roles(house) == {"owner": "owner"}


def test_nobody_gives_or_takes_more_than_he_has(house: House) -> None:
    owner, viewer = person(house, "owner", Role.OWNER), person(house, "viewer", Role.VIEWER)
    admin = caller(house, Role.ADMIN)
    with pytest.raises(Problem, match="higher role"):
        house.do(members.invite, admin, "a@b.c", Role.OWNER, house.vault, after(0))
    with pytest.raises(Problem, match="higher role"):
        house.do(members.change_role, admin, viewer.id, Role.OWNER, after(1))
    with pytest.raises(Problem, match="higher role"):
        house.do(members.change_role, admin, owner.id, Role.VIEWER, after(1))
    with pytest.raises(Problem, match="higher role"):
        house.do(members.remove, admin, owner.id, after(1))
    house.do(members.change_role, admin, viewer.id, Role.ADMIN, after(1))
    assert roles(house) == {"owner": "owner", "viewer": "admin"}


def test_with_another_role_somebody_signs_in_anew(house: House) -> None:
    user, owner = person(house, "mate", Role.VIEWER), caller(house, Role.OWNER)
    house.do(people.sign_in, user, "", house.vault, after(1), "Firefox", "::1")
    house.do(members.change_role, owner, user.id, Role.VIEWER, after(2))
    assert len(house.see(people.sessions_of, user.id)) == 1
    house.do(members.change_role, owner, user.id, Role.ADMIN, after(3))
    assert house.see(people.sessions_of, user.id) == []


def test_the_last_owner_stays(house: House) -> None:
    first, by = person(house, "first", Role.OWNER), caller(house, Role.OWNER)
    with pytest.raises(Problem, match="needs an owner"):
        house.do(members.remove, by, first.id, after(1))
    with pytest.raises(Problem, match="needs an owner"):
        house.do(members.change_role, by, first.id, Role.ADMIN, after(1))
    person(house, "second", Role.OWNER)
    house.do(members.remove, by, first.id, after(1))
    assert roles(house) == {"second": "owner"}


def test_the_plan_bounds_members_and_open_invitations_together(house: House) -> None:
    house.do(lambda tx: workspaces.change(tx, house.workspace.id, plan="pro"))
    person(house, "a", Role.OWNER)
    for _ in range(3):
        invited(house)
    with pytest.raises(Problem) as caught:
        invited(house)
    assert caught.value.kind == "exceeded"
    over = members.LIFE.total_seconds()
    house.do(retention.prune, {}, 30, {}, after(over - 1))
    assert len(house.see(members.invited, house.workspace.id)) == 3
    house.do(retention.prune, {}, 30, {}, after(over))
    assert house.see(members.invited, house.workspace.id) == []
    invited(house, at=over)  # one that is over keeps no place


def test_another_workspaces_members_are_out_of_reach(house: House) -> None:
    user = person(house, "here", Role.VIEWER)
    other = house.do(workspaces.add, "Other", "other-ping-key", after(0))
    stranger = Caller(other, Grant(Role.OWNER), "user", None, "stranger")
    with pytest.raises(Problem, match="no such member"):
        house.do(members.remove, stranger, user.id, after(1))
    assert house.see(members.listed, other) == []


# --- what goes with who goes ------------------------------------------------------------------


def acting(house: House, user: User, role: Role) -> Caller:
    return Caller(house.workspace.id, Grant(role), "user", user.id, user.email)


def key_of(house: House, by: Caller, *scopes: str) -> str:
    return house.do(keys.make, by, "k", scopes, house.vault, after(0)).token


def works(house: House, token: str) -> bool:
    try:
        house.see(keys.authenticate, token, house.vault, after(9))
    except Problem:
        return False
    return True


def test_the_keys_of_who_leaves_stop_at_once_but_those_rotated_before(house: House) -> None:
    owner, leaver = person(house, "owner", Role.OWNER), person(house, "leaver", Role.ADMIN)
    boss, admin = acting(house, owner, Role.OWNER), acting(house, leaver, Role.ADMIN)
    stays, plain = key_of(house, boss, "*"), key_of(house, admin, "read:jobs")
    by_key = house.see(
        keys.authenticate, key_of(house, admin, "manage:keys"), house.vault, after(1)
    ).caller
    second = key_of(house, by_key, "manage:keys")
    handed = house.do(keys.make, admin, "handed", ["run:jobs"], house.vault, after(0))
    fresh = house.do(keys.rotate, boss, "handed", house.vault, after(1))
    house.do(members.remove, boss, leaver.id, after(5))
    assert [works(house, one) for one in (plain, second, handed.token)] == [False] * 3
    assert [works(house, one) for one in (stays, fresh.token)] == [True, True]
    noted = house.see(audit_log.page, house.workspace.id, 10)
    assert {(one.operation, one.detail["made_by"]) for one in noted} == {("keys.revoke", leaver.id)}
    with pytest.raises(Problem, match="not valid"):  # it was at work when its maker went
        house.do(keys.make, by_key, "late", ["manage:keys"], house.vault, after(6))


def test_who_becomes_less_keeps_the_keys_that_he_could_still_make(house: House) -> None:
    boss = acting(house, person(house, "owner", Role.OWNER), Role.OWNER)
    mate = person(house, "mate", Role.ADMIN)
    admin = acting(house, mate, Role.ADMIN)
    wide, narrow = key_of(house, admin, "manage:keys"), key_of(house, admin, "run:jobs")
    house.do(members.change_role, boss, mate.id, Role.EDITOR, after(5))
    assert [works(house, one) for one in (wide, narrow)] == [False, True]


def test_invitations_end_with_who_made_them(house: House) -> None:
    boss = acting(house, person(house, "owner", Role.OWNER), Role.OWNER)
    leaver, mate = person(house, "leaver", Role.ADMIN), person(house, "mate", Role.OWNER)
    admin, other = acting(house, leaver, Role.ADMIN), acting(house, mate, Role.OWNER)
    by_key = house.see(
        keys.authenticate, key_of(house, admin, "manage:members"), house.vault, after(1)
    ).caller
    for by, role in (
        (admin, Role.VIEWER),
        (by_key, Role.ADMIN),
        (other, Role.OWNER),
        (other, Role.EDITOR),
    ):
        house.do(members.invite, by, f"{role.name}@example.org", role, house.vault, after(1))
    house.do(members.remove, boss, leaver.id, after(5))
    house.do(members.change_role, boss, mate.id, Role.ADMIN, after(5))
    left = house.see(members.invited, house.workspace.id)
    assert [(one.email, one.made_by) for one in left] == [("editor@example.org", mate.id)]


def test_the_invitations_of_who_is_shut_out_lead_nowhere(house: House) -> None:
    """Not when he is let in again, either: by then it may be known why he was shut out."""
    shut, mate = person(house, "shut", Role.OWNER), person(house, "mate", Role.OWNER)
    codes = [
        house.do(
            members.invite, acting(house, by, Role.OWNER), "new@example.org", Role.OWNER,
            house.vault, after(0),
        )[1]
        for by in (shut, mate)
    ]  # fmt: skip
    house.do(people.disable, shut, after(1))
    house.do(people.enable, house.see(people.find, shut.id))
    with pytest.raises(Problem, match="not valid"):
        house.see(members.invitation_of, codes[0], house.vault, after(2))
    assert house.see(members.invitation_of, codes[1], house.vault, after(2)).made_by == mate.id
