"""Which watches depend on which: no cycles, and who stands above whom."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

from dogwatch.core.watch import Status, Watch, wake_at

# By watch id: the ids of those it depends on.
Graph = Mapping[str, Collection[str]]


def cycle(graph: Graph, watch_id: str, parents: Collection[str]) -> list[str]:
    """Return the path of a cycle that `parents` of a watch would close, from it back to itself."""
    waiting = [[watch_id, parent] for parent in sorted(parents)]
    seen: set[str] = set()
    while waiting:
        path = waiting.pop(0)
        if path[-1] == watch_id:
            return path
        if path[-1] not in seen:
            seen.add(path[-1])
            waiting += [[*path, above] for above in sorted(graph.get(path[-1], ()))]
    return []


def above(graph: Graph, watch_id: str) -> Iterator[str]:
    """Yield all that a watch depends on, the nearest first, each once."""
    seen, waiting = {watch_id}, [*sorted(graph.get(watch_id, ()))]
    while waiting:
        one = waiting.pop(0)
        if one not in seen:
            seen.add(one)
            yield one
            waiting += sorted(graph.get(one, ()))


def judged_by(watch: Watch, until_at: datetime) -> bool:
    """Tell whether a watch that is not down will be judged by then: by silence, or by our asking.

    A run of ours that is going on counts: it may end at any moment.
    """
    if watch.status in (Status.DOWN, Status.PAUSED):
        return False
    due_at = wake_at(watch)
    if watch.job:
        return watch.open != () or (watch.slot_at is not None and watch.slot_at <= until_at)
    return due_at is not None and due_at <= until_at


def below(graph: Graph, watch_ids: Collection[str]) -> set[str]:
    """Return all that depend on any of these, at whatever distance."""
    children: dict[str, list[str]] = {}
    for child, parents in graph.items():
        for parent in parents:
            children.setdefault(parent, []).append(child)
    found: set[str] = set()
    waiting = list(watch_ids)
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return found
