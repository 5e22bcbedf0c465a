"""How a door of the house reaches the store: a function of a transaction goes in."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from dogwatch.store.tx import Tx
from dogwatch.store.wakes import ALL_TOPICS, SESSIONS, page_of

__all__ = ["ALL_TOPICS", "SESSIONS", "Door", "Tx", "page_of"]

T = TypeVar("T")


class Door(Protocol):
    """Runs use-cases. A write may be run more than once before it counts.

    With a `workspace_id`, PostgreSQL itself holds back the rows of all others; None is for what
    works across workspaces.
    """

    async def awrite(self, fn: Callable[[Tx], T], workspace_id: int | None = None) -> T:
        """Run `fn` in a transaction; return after its commit."""
        ...

    async def aread(self, fn: Callable[[Tx], T], workspace_id: int | None = None) -> T:
        """Run `fn` on one snapshot."""
        ...

    def on_wake(self, listener: Callable[[frozenset[str]], None]) -> Callable[[], None]:
        """Call `listener` with the topics of each commit, from any thread; returns what ends it."""
        ...
