"""What a use-case is handed: one transaction, and what shall follow its commit."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

DialectName = Literal["sqlite", "postgresql"]

# What makes an INSERT that knows what to do where a row is there already.
INSERTS: Mapping[DialectName, Callable[..., Any]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}


class Tx:
    """A transaction as one command sees it; valid inside that command only.

    What a command asks for after the commit is dropped with it if it fails or only reads.
    """

    __slots__ = ("conn", "dialect", "effects", "topics")

    def __init__(self, conn: Connection, dialect: DialectName) -> None:
        self.conn = conn
        self.dialect = dialect
        self.topics: set[str] = set()
        self.effects: list[Callable[[], None]] = []

    def wake(self, topic: str) -> None:
        """Tell listeners on all nodes of `topic` (a word without spaces) after the commit."""
        self.topics.add(topic)

    def after_commit(self, fn: Callable[[], None]) -> None:
        """Call `fn` in the writer's thread after the commit; it must be quick."""
        self.effects.append(fn)
