"""Probes that nobody asks at a location of theirs: whoever would hear that they are down is told.

What stands still says nothing by itself: no answer comes, so nothing flips.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from dogwatch.core.alerts import Event
from dogwatch.core.decision import Fate
from dogwatch.store import probes, watches, workspaces
from dogwatch.store.deliveries import Delivery
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases.holding import place, ruled
from dogwatch.usecases.notices import asked_for, unwatched_notice
from dogwatch.usecases.scene import Matter, Scene
from dogwatch.usecases.system import UNASKED

MOST = 5000
AFTER_S = int(UNASKED.total_seconds())


def look(tx: Tx, at: datetime) -> int:
    """Tell of each turn once that nobody took for a minute; return how many messages were made."""
    before_at = at - UNASKED
    return sum(_tell(tx, one, before_at, at) for one in probes.unwatched_in(tx, before_at, AFTER_S))


def _tell(tx: Tx, workspace_id: int, before_at: datetime, at: datetime) -> int:
    workspaces.get(tx, workspace_id, lock=True)  # another node may have told of them meanwhile
    turns = probes.unwatched(tx, workspace_id, before_at, AFTER_S, MOST)
    known = watches.look(tx, workspace_id, {turn[0] for turn in turns})
    scene = Scene.of(tx, workspace_id, at)
    made = [
        new
        for watch_id, own in groupby(turns, itemgetter(0))
        if watch_id in known
        for new in _notices(scene, known[watch_id], [(where, since) for _, where, since in own])
    ]
    place(tx, scene, made)
    return len(made)


def _notices(
    scene: Scene, record: Record, places: Sequence[tuple[str, datetime]]
) -> Iterator[Delivery]:
    message = unwatched_notice(record, places)
    matter = Matter(record, Event.LATE, scene.at)
    for channel_id, candidates in scene.wanted(record, asked_for(Event.LATE, message)).items():
        decision, rule = scene.decided(matter, candidates, Fate.NONE)
        new = Delivery(
            scene.workspace_id, "", None, record.id, channel_id, str(Event.LATE), "pending", "",
            message, 0, scene.at, rule_id=rule.id,
        )  # fmt: skip
        yield ruled(new, decision, scene.at)
