"""The audit log: who did what to what, newest first, each workspace its own."""

import pytest
from sqlalchemy import Delete, Update, delete, update
from sqlalchemy.exc import DBAPIError

from dogwatch.core.policy import Grant, Role
from dogwatch.store import workspaces as stored
from dogwatch.store.tables import audit_log as table
from dogwatch.usecases import audit_log, workspaces
from dogwatch.usecases.callers import Caller, host
from tests.harness.house import House, after


def caller(house: House) -> Caller:
    return Caller(house.workspace.id, Grant(Role.OWNER), "user", "01", "ana@example.org", "::1")


def test_newest_first_and_page_by_page(house: House) -> None:
    for number in range(5):
        house.do(audit_log.note, caller(house), "watches.make", f"w{number}", after(number))
    first = house.see(audit_log.page, house.workspace.id, 3)
    assert [entry.object for entry in first] == ["w4", "w3", "w2"]
    rest = house.see(audit_log.page, house.workspace.id, 3, first[-1].id)
    assert [entry.object for entry in rest] == ["w1", "w0"]


def test_an_entry_says_who_did_what_from_where(house: House) -> None:
    house.do(audit_log.note, caller(house), "keys.make", "ci", after(1), {"scopes": ["*"]})
    (entry,) = house.see(audit_log.page, house.workspace.id, 10)
    assert (entry.actor_kind, entry.actor_id, entry.actor) == ("user", "01", "ana@example.org")
    assert (entry.operation, entry.object, entry.at) == ("keys.make", "ci", after(1))
    assert (entry.detail, entry.remote_ip) == ({"scopes": ["*"]}, "::1")


def test_each_workspace_sees_its_own_and_the_instance_all(house: House) -> None:
    other = house.do(workspaces.make, "Other", after(0))
    house.do(audit_log.note, caller(house), "watches.make", "ours", after(1))
    house.do(audit_log.note, host(other.id), "watches.make", "theirs", after(2))
    house.do(audit_log.note, host(other.id), "plans.assign", "Other", after(3), instance=True)
    ours = house.see(audit_log.page, house.workspace.id, 10)
    every = house.see(audit_log.page, None, 10)
    assert [entry.object for entry in ours] == ["ours"]
    assert [entry.object for entry in every] == ["Other", "theirs", "ours"]


def test_text_without_end_is_cut(house: House) -> None:
    house.do(audit_log.note, caller(house), "watches.make", "x" * 999, after(1))
    (entry,) = house.see(audit_log.page, house.workspace.id, 10)
    assert len(entry.object) == 255


@pytest.mark.parametrize("change", [update(table).values(actor="nobody"), delete(table)])
def test_nobody_changes_or_deletes_an_entry(house: House, change: Update | Delete) -> None:
    """Not even with a statement of his own; and a workspace that goes leaves its log behind."""
    other = house.do(workspaces.make, "Other", after(0))
    house.do(audit_log.note, host(other.id), "watches.make", "theirs", after(1))
    with pytest.raises(DBAPIError, match="append-only"):
        house.plant(change)
    house.do(stored.remove, other.id)
    (entry,) = house.see(audit_log.page, None, 10)
    assert (entry.object, entry.actor) == ("theirs", "host")
