"""Effects: what followed the end of a run by conditional actions, or why it did not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import insert, select, update

from dogwatch.core.conditional import ConditionalAction
from dogwatch.store.tables import effects
from dogwatch.store.tx import Tx

LANE: Final = "effect"


@dataclass(frozen=True, slots=True)
class Effect:
    """One action of one run: `state` is waiting, done or refused, with the reason.

    `ref_id` is the run or the delivery that it made.
    """

    workspace_id: int
    run_id: str
    seq: int
    action: ConditionalAction
    state: str = "waiting"
    reason: str = ""
    ref_id: str | None = None


def add_many(tx: Tx, new: Sequence[Effect]) -> None:
    """Insert effects."""
    if new:
        tx.conn.execute(insert(effects), [_values(one) for one in new])


def save(tx: Tx, effect: Effect) -> None:
    """Write what became of an effect."""
    mine = (
        effects.c.workspace_id == effect.workspace_id,
        effects.c.run_id == effect.run_id,
        effects.c.seq == effect.seq,
    )
    values = {"state": effect.state, "reason": effect.reason, "ref_id": effect.ref_id}
    tx.conn.execute(update(effects).where(*mine).values(values))


def refuse_all(tx: Tx, reason: str) -> int:
    """Have nothing follow that still waits, over all workspaces; return how much that was."""
    waiting = update(effects).where(effects.c.state == "waiting")
    return tx.conn.execute(waiting.values(state="refused", reason=reason)).rowcount


def of_run(tx: Tx, workspace_id: int, run_id: str) -> list[Effect]:
    """Return the effects of a run, in order."""
    mine = effects.c.workspace_id == workspace_id, effects.c.run_id == run_id
    rows = tx.conn.execute(select(effects).where(*mine).order_by(effects.c.seq))
    return [
        Effect(**{**row._mapping, "action": ConditionalAction.from_json(row.action)})
        for row in rows
    ]


def _values(effect: Effect) -> dict[str, Any]:
    values = {name: getattr(effect, name) for name in Effect.__slots__}
    return {**values, "action": effect.action.to_json()}
