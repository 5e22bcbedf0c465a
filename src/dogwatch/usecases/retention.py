"""Retention: what is kept, and for how long."""

from collections.abc import Mapping
from datetime import datetime

from dogwatch.store import retention
from dogwatch.store.retention import Keep
from dogwatch.store.tx import Tx

BATCH = 500


def prune(
    tx: Tx, keep: Mapping[str, Keep], output_days: int, at: datetime, limit: int = BATCH
) -> int:
    """Delete a small batch of each table in each workspace; 0 once nothing is too much."""
    retention.forget(tx, at)
    gone = retention.prune_outputs(tx, output_days, at, limit)
    return gone + sum(
        retention.prune(tx, name, workspace_id, kept, at, limit)
        for workspace_id in retention.workspace_ids(tx)
        for name, kept in keep.items()
    )
