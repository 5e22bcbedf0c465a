"""People: signing in, second factors used once, sessions that end."""

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from dogwatch.core.policy import Grant, Role
from dogwatch.core.problems import Problem
from dogwatch.store import members
from dogwatch.usecases import keys, people, retention, workspaces
from dogwatch.usecases.callers import Caller
from dogwatch.usecases.people import SignedIn, User
from tests.harness.house import House, after

DAY = 86_400


def ana(house: House) -> User:
    return house.do(people.make, "Ana@Example.org ", "Ana", "hash", after(0))


def signed_in(house: House, user: User, code: str = "", at: float = 1) -> SignedIn | None:
    return house.do(people.sign_in, user, code, house.vault, after(at), "Firefox", "::1")


def token(house: House, user: User, at: float = 1) -> str:
    found = signed_in(house, user, at=at)
    assert found
    return found.token


def present(house: House, cookie: str, at: float) -> people.Present | None:
    return house.see(people.present, cookie, house.vault, after(at))


def code(secret: bytes, at: float) -> str:
    """Return the code that an app shows."""
    app = TOTP(secret, 6, SHA1(), 30)
    return app.generate(int(after(at).timestamp())).decode()


def test_an_address_is_one_person_in_whatever_case(house: House) -> None:
    user = ana(house)
    assert (user.email, user.name) == ("ana@example.org", "Ana")
    with pytest.raises(Problem, match="already"):
        house.do(people.make, "ANA@example.ORG", "Other", None, after(1))
    assert house.see(people.find, " ANA@example.org").id == user.id
    assert house.see(people.find, user.id).email == user.email


@pytest.mark.parametrize("email", ["", "ana", "a@b@c", "a b@c", "a@\u2028b", "x" * 65 + "@a.b"])
def test_what_is_no_address(house: House, email: str) -> None:
    with pytest.raises(Problem) as caught:
        house.do(people.make, email, "", None, after(0))
    assert "email" in caught.value.fields


def test_a_session_lasts_while_it_is_used_and_not_for_ever(house: House) -> None:
    cookie = token(house, ana(house))
    assert present(house, cookie, 2)
    assert present(house, cookie + "x", 2) is None
    assert present(house, cookie, people.IDLE.total_seconds() + 2) is None
    end = people.LIFE.total_seconds()
    for at in range(DAY, int(end), DAY):
        here = present(house, cookie, at)
        assert here
        assert here.stale
        house.do(people.seen, here.session, after(at))
    assert present(house, cookie, end + 2) is None


@pytest.mark.parametrize("seen", [1, 80 * DAY])
def test_a_session_that_is_over_goes_from_the_store(house: House, seen: int) -> None:
    """Unused for too long, or used to its end."""
    user = ana(house)
    token(house, user)
    (session,) = house.see(people.sessions_of, user.id)
    house.do(people.seen, session, after(seen))
    end = min(people.LIFE, timedelta(seconds=seen) + people.IDLE).total_seconds()
    kept = []
    for at in (end - 1, end + 1):
        house.do(retention.prune, {}, 30, {}, after(at))
        kept.append(len(house.see(people.sessions_of, user.id)))
    assert kept == [1, 0]


def test_the_store_holds_no_cookie(house: House) -> None:
    cookie = token(house, ana(house))
    assert cookie not in repr(house.everything())


def test_a_new_password_ends_every_session(house: House) -> None:
    user = ana(house)
    cookies = [token(house, user), token(house, user)]
    house.do(people.set_password, user.id, "other")
    assert [present(house, cookie, 2) for cookie in cookies] == [None, None]


def test_a_password_that_was_changed_while_it_was_tried_is_the_old_one(house: House) -> None:
    user = ana(house)
    house.do(people.set_password, user.id, "other")
    assert signed_in(house, user) is None
    house.do(people.rehashed, user, "the old one at other costs")
    assert house.see(people.find, user.id).password_hash == "other"


def test_sessions_are_listed_and_ended_one_by_one_or_all_but_one(house: House) -> None:
    user = ana(house)
    cookies = [token(house, user, at) for at in (1, 2, 3)]
    newest, middle, oldest = house.see(people.sessions_of, user.id)
    house.do(people.end_session, user.id, middle.id)
    assert [bool(present(house, cookie, 4)) for cookie in cookies] == [True, False, True]
    assert house.do(people.end_sessions, user.id, newest.id) == 1
    assert [bool(present(house, cookie, 4)) for cookie in cookies] == [False, False, True]
    with pytest.raises(Problem, match="no such session"):
        house.do(people.end_session, user.id, oldest.id)


def test_nobody_ends_another_ones_session(house: House) -> None:
    user = ana(house)
    token(house, user)
    (session,) = house.see(people.sessions_of, user.id)
    with pytest.raises(Problem, match="no such session"):
        house.do(people.end_session, "somebody", session.id)


def test_a_second_factor_is_asked_for_once_it_was_shown_to_work(house: House) -> None:
    user = ana(house)
    secret = house.do(people.offer_second_factor, user.id, house.vault)
    assert signed_in(house, user)
    with pytest.raises(Problem, match="not right"):
        house.do(people.take_second_factor, user.id, "000000", house.vault, after(0))
    codes = house.do(people.take_second_factor, user.id, code(secret, 0), house.vault, after(0))
    assert len(set(codes)) == 10
    assert signed_in(house, user) is None
    assert signed_in(house, user, "000000") is None
    assert secret.hex() not in repr(house.everything())


def test_a_lost_second_factor_is_taken_away_with_all_sessions(house: House) -> None:
    user = ana(house)
    secret = house.do(people.offer_second_factor, user.id, house.vault)
    codes = house.do(people.take_second_factor, user.id, code(secret, 0), house.vault, after(0))
    assert signed_in(house, user, codes[0], at=1)
    house.do(people.lose_second_factor, house.see(people.find, user.id))
    assert house.see(people.sessions_of, user.id) == []
    assert house.see(people.recovery_codes_left, user.id) == 0
    assert signed_in(house, user, at=2)
    house.do(people.lose_second_factor, house.see(people.find, user.id))
    assert house.see(people.sessions_of, user.id)


def test_a_code_and_a_recovery_code_work_once(house: House) -> None:
    user = ana(house)
    secret = house.do(people.offer_second_factor, user.id, house.vault)
    codes = house.do(people.take_second_factor, user.id, code(secret, 0), house.vault, after(0))
    assert signed_in(house, user, code(secret, 0), at=1) is None
    later = code(secret, 60)
    assert signed_in(house, user, later, at=60)
    assert signed_in(house, user, later, at=61) is None
    assert signed_in(house, user, f" {codes[3].upper()}", at=62)
    assert signed_in(house, user, codes[3], at=63) is None
    assert house.see(people.recovery_codes_left, user.id) == 9


def test_a_second_factor_is_not_replaced_unseen(house: House) -> None:
    user = ana(house)
    secret = house.do(people.offer_second_factor, user.id, house.vault)
    house.do(people.take_second_factor, user.id, code(secret, 0), house.vault, after(0))
    with pytest.raises(Problem, match="remove it first"):
        house.do(people.offer_second_factor, user.id, house.vault)
    house.do(people.drop_second_factor, user.id)
    assert signed_in(house, user)
    assert house.see(people.recovery_codes_left, user.id) == 0


def test_who_is_shut_out_is_out_at_once(house: House) -> None:
    user = ana(house)
    cookie = token(house, user)
    house.do(people.disable, user, after(5))
    assert present(house, cookie, 6) is None
    assert house.see(people.by_email, user.email) is None
    assert signed_in(house, user) is None
    house.do(people.enable, user)
    assert signed_in(house, user)


def test_the_last_admin_stays(house: House) -> None:
    first = house.do(people.make, "a@b.c", "", "hash", after(0), admin=True)
    with pytest.raises(Problem, match="last admin"):
        house.do(people.disable, first, after(1))
    with pytest.raises(Problem, match="last admin"):
        house.do(people.set_admin, first, after(1), admin=False)
    second = ana(house)
    house.do(people.set_admin, second, after(2), admin=True)
    house.do(people.set_admin, house.see(people.find, first.id), after(3), admin=False)
    assert house.see(people.find, first.id).admin_at is None


def test_somebody_present_is_a_caller_in_his_workspaces_alone(house: House) -> None:
    user = ana(house)
    house.do(members.add, house.workspace.id, user.id, Role.EDITOR, after(0))
    here = present(house, token(house, user), 2)
    assert here
    caller = here.caller(house.workspace.id, "::1")
    assert (caller.grant.role, caller.grant.scopes, caller.name) == (
        Role.EDITOR, None, "ana@example.org",
    )  # fmt: skip
    with pytest.raises(Problem) as caught:
        here.caller(house.workspace.id + 1, "::1")
    assert caught.value.kind == "not_found"
    assert timedelta(minutes=1) >= people.SEEN_EVERY


def test_the_keys_of_who_is_shut_out_stop_in_all_workspaces_and_come_back(house: House) -> None:
    house.do(people.make, "boss@example.org", "", "hash", after(0), admin=True)
    user, other = ana(house), house.do(workspaces.make, "Other", after(0))
    tokens = []
    for workspace_id in (house.workspace.id, other.id):
        by = Caller(workspace_id, Grant(Role.OWNER), "user", user.id, user.email)
        house.do(members.add, workspace_id, user.id, Role.OWNER, after(0))
        tokens.append(house.do(keys.make, by, "k", ["*"], house.vault, after(0)).token)
        house.do(keys.make, by, "revoked", ["*"], house.vault, after(0))
        house.do(keys.revoke, workspace_id, "revoked", after(1))
    shut = [row["revoked_at"] for row in house.rows("keys")]
    for at in (2, 3):  # a second time changes nothing
        house.do(people.disable, house.see(people.find, user.id), after(at))
    for token in tokens:
        with pytest.raises(Problem, match="not valid"):
            house.see(keys.authenticate, token, house.vault, after(4))
    house.do(lambda tx: people.enable(tx, people.find(tx, user.id)))
    assert [row["revoked_at"] for row in house.rows("keys")] == shut
    for token in tokens:
        assert house.see(keys.authenticate, token, house.vault, after(5))


def test_what_a_person_lost_while_shut_out_does_not_come_back(house: House) -> None:
    house.do(people.make, "boss@example.org", "", "hash", after(0), admin=True)
    user, other = ana(house), house.do(workspaces.make, "Other", after(0))
    tokens = []
    for workspace_id in (house.workspace.id, other.id):
        by = Caller(workspace_id, Grant(Role.OWNER), "user", user.id, user.email)
        house.do(members.add, workspace_id, user.id, Role.OWNER, after(0))
        tokens += [
            house.do(keys.make, by, "k", [scope], house.vault, after(0)).token
            for scope in ("*", "run:jobs")
        ]
    house.do(people.disable, user, after(1))
    house.do(members.remove, other.id, user.id)
    house.do(members.set_role, house.workspace.id, user.id, Role.EDITOR)
    house.do(people.enable, house.see(people.find, user.id))
    works = []
    for token in tokens:
        try:
            works.append(
                house.see(keys.authenticate, token, house.vault, after(5)).caller.workspace_id
            )
        except Problem:
            works.append(0)
    assert works == [0, house.workspace.id, 0, 0]
