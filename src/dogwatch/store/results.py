"""What the scripts of runs handed on: an output value and a condition."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, select, tuple_

from dogwatch.store.tables import results
from dogwatch.store.tx import INSERTS, Tx


@dataclass(frozen=True, slots=True)
class Handed:
    """What a run handed on; `output` is JSON text. None is what it did not say.

    `masked` is the output as people see it, where that is not all of it.
    """

    output: str | None = None
    condition: bool | None = None
    masked: str | None = None

    @property
    def shown(self) -> str | None:
        """The output as people see it: without the secret values in it."""
        return self.output if self.masked is None else self.masked


def put(tx: Tx, workspace_id: int, run_id: str, **values: str | bool | None) -> None:
    """Set the output or the condition of a run."""
    made = INSERTS[tx.dialect](results).values(workspace_id=workspace_id, run_id=run_id, **values)
    changed = {name: made.excluded[name] for name in values}
    keys = ["workspace_id", "run_id"]
    tx.conn.execute(made.on_conflict_do_update(index_elements=keys, set_=changed))


def get(tx: Tx, workspace_id: int, run_id: str) -> Handed:
    """Return what a run handed on."""
    found = select(results.c.output, results.c.condition, results.c.masked).where(
        results.c.workspace_id == workspace_id, results.c.run_id == run_id
    )
    row = tx.conn.execute(found).first()
    return Handed(**row._mapping) if row else Handed()


def of_runs(tx: Tx, keys: Collection[tuple[int, str]]) -> dict[tuple[int, str], Handed]:
    """Return what those of these (workspace id, run id) handed on that said anything."""
    rows = tx.conn.execute(_OF_RUNS, {"keys": list(keys)}) if keys else ()
    return {
        (row.workspace_id, row.run_id): Handed(row.output, row.condition, row.masked)
        for row in rows
    }


_OF_RUNS = select(results).where(
    tuple_(results.c.workspace_id, results.c.run_id).in_(bindparam("keys", expanding=True))
)


def drop(tx: Tx, workspace_id: int, run_id: str) -> None:
    """Forget what an attempt handed on: the next one begins with nothing."""
    tx.conn.execute(
        delete(results).where(results.c.workspace_id == workspace_id, results.c.run_id == run_id)
    )
