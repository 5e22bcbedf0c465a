"""Conditional actions of events, between Cronium's numbers and our ids."""

from collections.abc import Mapping, Sequence

from dogwatch.core.problems import Problem
from dogwatch.usecases import actions, watches
from dogwatch.usecases.door import Tx
from dogwatch.usecases.lists import Record, WatchView
from dogwatch.web.dialect.call import DialectCall, Naming
from dogwatch.web.dialects.cronium.wire.actions import NONE, Action, targets_of, theirs, worded


def put(tx: Tx, call: DialectCall, record: Record, sent: Sequence[Action]) -> None:
    """Set what follows the runs of an event."""
    wanted = [one for one in sent if one.action != NONE]
    targets = call.find_all(tx, targets_of(wanted))
    ids = {number: target.id for number, (_, target) in targets.items()}
    try:
        actions.put(tx, record, [one.ours(ids) for one in wanted])
    except Problem as problem:
        raise worded(problem) from None


def of_many(
    tx: Tx, call: DialectCall, naming: Naming, views: Sequence[WatchView]
) -> Mapping[str, Sequence[Action]]:
    """Return what follows the runs of each of these events, by the id of its watch."""
    found = {view.record.id: view.job.actions for view in views if view.job}
    targets = {one.run for some in found.values() for one in some if one.run}
    others = watches.of_ids(tx, call.workspace_id, targets).values()
    numbers = {record.id: alias.number for alias, record in naming(tx, list(others))}
    return {own_id: [theirs(one, numbers) for one in some] for own_id, some in found.items()}
