"""How many sends the courier may have under way: in all, for a workspace, to an endpoint."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from dogwatch.store.tasks import Task
from dogwatch.usecases.telling import Room

FEW, MANY = 4, 50
QUICK_S = 1.0
STALLED_S = 0.25
# A stalled send costs a socket and little else.
STALLED_PER_WORKSPACE, MOST = 2, 4


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """One send under way: to whom, for whom, since when (monotonic seconds)."""

    endpoint: str
    workspace_id: int
    since: float


class Places:
    """Hands out places so that an endpoint which hangs, or a workspace of them, costs only itself.

    To an endpoint that we know nothing of goes one send at a time. Each success lets one more go
    at once: up to `MANY` where the answer came within `QUICK_S`, else up to `FEW`. A failure lets
    one go again.

    A workspace has half of the `total`. A send without an answer after `STALLED_S` leaves its
    place in both to others, but not that at its endpoint; a workspace may have twice the total of
    those, and all together have three times the total.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._going: set[Place] = set()
        self._windows: dict[str, int] = {}

    def begin(self, task: Task, now: float) -> Place:
        """Take a place."""
        place = Place(task.bulkhead, task.workspace_id, now)
        self._going.add(place)
        return place

    def heard(self, place: Place, now: float, *, success: bool) -> None:
        """Open or close the window of an endpoint that has answered."""
        most = MANY if now - place.since <= QUICK_S else FEW
        window = self._windows.get(place.endpoint, 1)
        opened = max(window, min(window + 1, most)) if success else 1
        self._windows[place.endpoint] = opened

    def end(self, place: Place) -> None:
        """Give a place back."""
        self._going.discard(place)

    def rest(self) -> None:
        """Forget what was learnt of endpoints, once nothing is under way."""
        if not self._going:
            self._windows.clear()

    def room(self, now: float) -> Room:
        """Return what there is room for."""
        every = _by_workspace(self._going)
        fresh = _by_workspace(place for place in self._going if now - place.since < STALLED_S)
        spare = STALLED_PER_WORKSPACE * self._total
        held = {one: max(fresh[one], count - spare) for one, count in every.items()}
        free = self._total - sum(held.values())
        return Room(
            limit=min(free, MOST * self._total - len(self._going)),
            per_endpoint=1,
            per_workspace=max(self._total // 2, 1),
            endpoints=Counter(place.endpoint for place in self._going),
            workspaces=held,
            windows=self._windows,
        )

    def stalls_in_s(self, now: float) -> float:
        """Return the seconds from `now` until the next send counts as stalled and so makes room."""
        waits = (STALLED_S - (now - place.since) for place in self._going)
        return min((wait for wait in waits if wait > 0), default=math.inf)


def _by_workspace(places: Iterable[Place]) -> Counter[int]:
    return Counter(place.workspace_id for place in places)
