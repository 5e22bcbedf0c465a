"""Which channels hear of one watch, for those who think of it from the watch's side."""

from collections.abc import Collection, Sequence
from datetime import datetime

from dogwatch.core.alerts import Event, Rule, Scope, matches
from dogwatch.core.problems import invalid
from dogwatch.store import rules
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases.channels import ChannelRow, channel_page
from dogwatch.usecases.rules import add_rule, remove_rule

MOST = 1_000


def listed(tx: Tx, workspace_id: int) -> Sequence[ChannelRow]:
    """Return the channels of a workspace, oldest first."""
    return channel_page(tx, workspace_id, MOST, "")


def heard_by(tx: Tx, records: Sequence[Record]) -> dict[str, list[str]]:
    """Return the ids of the channels that hear of each watch of one workspace being down."""
    if not records:
        return {}
    every = rules.of_workspace(tx, records[0].workspace_id)
    return {one.id: list(dict.fromkeys(_telling(every, one))) for one in records}


def _telling(every: Collection[Rule], record: Record) -> Sequence[str]:
    return [rule.channel_id for rule in every if matches(rule, Event.DOWN, *record.traits)]


def assign(tx: Tx, record: Record, wanted: Collection[str], at: datetime) -> None:
    """Have these channels hear of a watch, and no others but by rules for more than it alone.

    `wanted` holds ids or unique names; Problem("invalid") names one that is none.
    """
    known = listed(tx, record.workspace_id)
    ids = {_id_of(known, name) for name in wanted}
    every = rules.of_workspace(tx, record.workspace_id)
    own = Scope("watches", frozenset({record.id}))
    for rule in every:
        if rule.scope == own and rule.channel_id not in ids:
            remove_rule(tx, record.workspace_id, rule.id, at)
    for channel_id in sorted(ids - set(_telling(every, record))):
        add_rule(tx, record.workspace_id, Rule("", channel_id, scope=own), at)


def assign_all(tx: Tx, record: Record, at: datetime) -> None:
    """Have every channel of its workspace hear of a watch."""
    assign(tx, record, [one.id for one in listed(tx, record.workspace_id)], at)


def _id_of(known: Sequence[ChannelRow], name: str) -> str:
    found = [one.id for one in known if name in (one.id, one.name)]
    if len(found) != 1:
        raise invalid("channels", f"there is no one channel {name[:40]!r}")
    return found[0]
