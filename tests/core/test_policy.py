"""The one table of who may do what."""

import pytest

from dogwatch.core.policy import POLICY, SCOPES, Grant, Role, grantable, lacks


def key(*scopes: str) -> Grant:
    return Grant(Role.OWNER, frozenset(scopes))


@pytest.mark.parametrize(
    ("grant", "operation", "lacking"),
    [
        (Grant(Role.VIEWER), "watches.show", None),
        (Grant(Role.VIEWER), "watches.pause", "this takes the role editor, not viewer"),
        (Grant(Role.EDITOR), "channels.make", None),
        (Grant(Role.EDITOR), "keys.make", "this takes the role admin, not editor"),
        (Grant(Role.ADMIN), "workspace.delete", "this takes the role owner, not admin"),
        (Grant(Role.OWNER), "workspace.delete", None),
        (Grant(Role.OWNER), "plans.assign", "only an admin of this instance may do this"),
        (Grant(Role.OWNER, instance=True), "plans.assign", None),
        (key("read:watches"), "watches.list", None),
        (key("read:watches"), "watches.make", "the API key lacks the scope write:watches"),
        (key("*"), "keys.make", None),
        (key("*"), "users.list", "only an admin of this instance may do this"),
        (
            Grant(Role.VIEWER, frozenset({"write:watches"})),
            "watches.make",
            "this takes the role editor, not viewer",
        ),
    ],
)
def test_who_may(grant: Grant, operation: str, lacking: str | None) -> None:
    assert lacks(grant, operation) == lacking


def test_an_unknown_operation_is_an_error() -> None:
    with pytest.raises(KeyError):
        lacks(Grant(Role.OWNER, instance=True), "watches.paint")


def test_every_scope_of_the_table_can_be_given() -> None:
    assert {need.scope for need in POLICY.values()} == set(SCOPES)


def test_nobody_gives_a_key_more_than_he_has() -> None:
    assert list(grantable(Role.OWNER)) == list(SCOPES)
    assert "*" not in grantable(Role.ADMIN)
    assert "manage:keys" in grantable(Role.ADMIN)
    assert "manage:keys" not in grantable(Role.EDITOR)
    assert set(grantable(Role.VIEWER)) == {"read:watches", "read:jobs"}


def test_a_higher_role_never_loses_an_operation() -> None:
    for operation, need in POLICY.items():
        allowed = [lacks(Grant(role, instance=True), operation) is None for role in Role]
        assert allowed == sorted(allowed)
        assert allowed[need.role - 1]
