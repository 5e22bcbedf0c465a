"""What the writer needs to know of a database: the few differences between the two."""

from enum import Enum, auto
from typing import Protocol

from sqlalchemy import Connection

from dogwatch.store.tx import DialectName


class Fault(Enum):
    """Whose fault an error is, hence how to go on."""

    OWN = auto()
    """The command's own: it alone fails."""
    CONFLICT = auto()
    """Two transactions met (deadlock, serialization): the command is tried again, alone."""
    AWAY = auto()
    """The database cannot be reached: tried again until the command's deadline."""
    BROKEN = auto()
    """The group's transaction is gone: each of its commands is tried again, alone."""


class Backend(Protocol):
    """One database and its connections."""

    dialect: DialectName
    writers: int
    group_max: int
    """Commands that may share one transaction."""
    slice_s: float
    """How long a transaction of many rows may take before it holds up others."""

    def connect(self) -> Connection:
        """Return a connection for one writer, which keeps it."""
        ...

    def connect_reader(self) -> Connection:
        """Return a read-only connection from the pool."""
        ...

    def fault(self, error: BaseException, *, reading: bool = False) -> Fault:
        """Return whose fault `error` is; a reader that writes is at fault itself."""
        ...

    def reason(self, error: BaseException) -> str | None:
        """Return what only time or an operator can mend, in words for the latter."""
        ...

    def explain(self, error: Exception) -> Exception:
        """Return a `Problem("away")` for what only time or an operator can mend, else `error`."""
        ...

    def explain_commit(self, error: Exception) -> Exception:
        """Return what to answer where COMMIT itself failed."""
        ...

    def begin_reading(self, conn: Connection, workspace_id: int | None) -> None:
        """Have the transaction of a reader see one snapshot: of one workspace, or of all."""
        ...

    def confine(self, conn: Connection, workspace_id: int) -> None:
        """Have the transaction see one workspace alone, until it ends or comes to a mark."""
        ...

    def mark(self, conn: Connection) -> None:
        """Set the savepoint between commands, past SQLAlchemy, which would double its cost."""
        ...

    def mark_next(self, conn: Connection) -> None:
        """Keep what was done since the mark and set the next."""
        ...

    def back_to_mark(self, conn: Connection) -> None:
        """Undo what was done since the mark, which stays."""
        ...

    def announce(self, conn: Connection, topics: frozenset[str]) -> None:
        """Tell other processes about `topics` when the open transaction commits."""
        ...

    def tidy(self, conn: Connection) -> None:
        """Look after the files between two commits."""
        ...

    def close(self) -> None:
        """Close the connections that are left; the writers are gone."""
        ...
