"""Probes that nobody asks at a location of theirs: whoever would hear that they are down is told.

What stands still says nothing by itself: no answer comes, so nothing flips. Whoever was told hears,
once, that somebody asks again.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter, itemgetter

from dogwatch.core.alerts import Event
from dogwatch.core.decision import Fate
from dogwatch.store import probes, untaken, watches, workspaces
from dogwatch.store.deliveries import Delivery
from dogwatch.store.tx import Tx
from dogwatch.store.untaken import Taken
from dogwatch.store.watches import Record
from dogwatch.usecases.holding import fate_of, noticed, place
from dogwatch.usecases.notices import unwatched_notice, watched_notice
from dogwatch.usecases.scene import Scene
from dogwatch.usecases.system import UNASKED

MOST = 5000


def look(tx: Tx, at: datetime) -> int:
    """Tell of each turn once that nobody took for a minute, and once that it is taken again.

    Return how many messages were made.
    """
    before_at = at - UNASKED
    made = sum(_tell(tx, one, before_at, at) for one in probes.unwatched_in(tx, before_at))
    return made + sum(_clear(tx, one, before_at, at) for one in untaken.taken_in(tx))


def _tell(tx: Tx, workspace_id: int, before_at: datetime, at: datetime) -> int:
    workspaces.get(tx, workspace_id, lock=True)  # another node may have told of them meanwhile
    turns = probes.unwatched(tx, workspace_id, before_at, MOST)
    known = watches.look(tx, workspace_id, {turn[0] for turn in turns})
    scene = Scene.of(tx, workspace_id, at)
    made = [
        new
        for watch_id, own in groupby(turns, itemgetter(0))
        if watch_id in known
        for new in _openings(scene, known[watch_id], [(where, since) for _, where, since in own])
    ]
    place(tx, scene, made)
    untaken.note(tx, workspace_id, turns, at)  # also those that no rule wanted: nobody asks twice
    return len(made)


def _openings(
    scene: Scene, record: Record, places: Sequence[tuple[str, datetime]]
) -> Iterator[Delivery]:
    return noticed(scene, record, Event.LATE, unwatched_notice(record, places))


def _clear(tx: Tx, workspace_id: int, before_at: datetime, at: datetime) -> int:
    workspaces.get(tx, workspace_id, lock=True)
    untaken.left_again(tx, workspace_id, before_at)
    taken = untaken.taken_again(tx, workspace_id, MOST)
    known = watches.look(tx, workspace_id, {one.watch_id for one in taken})
    scene = Scene.of(tx, workspace_id, at)
    made = [
        new
        for watch_id, own in groupby(taken, attrgetter("watch_id"))
        if watch_id in known
        for new in _closings(tx, scene, known[watch_id], list(own))
    ]
    place(tx, scene, made)
    return len(made)


def _closings(tx: Tx, scene: Scene, record: Record, taken: Sequence[Taken]) -> Sequence[Delivery]:
    """Return the all-clear to whoever was told; none yet while that is still held back."""
    told_at = {one.told_at for one in taken}
    openings = untaken.openings(tx, scene.workspace_id, record.id, told_at)
    fates = {one.channel_id: fate_of(one.state, one.hold) for one in openings}
    if Fate.HELD in fates.values():
        return []
    for one in taken:
        untaken.forget(tx, scene.workspace_id, one)
    told = {channel_id for channel_id, fate in fates.items() if fate is Fate.TOLD}
    message = watched_notice(record, taken, scene.at)
    return list(noticed(scene, record, Event.RECOVERED, message, told))
