"""What a server must answer to speak a dialect: steps that any key of it can go through.

A step for a new dialect is a line in its file here; each file is one line in `STEPS`.
"""

from collections.abc import Mapping, Sequence

from dogwatch.core.conformance import (
    cronbeats,
    cronium,
    cronmonitor,
    cronowl,
    cronpulse,
    healthchecks,
)
from dogwatch.core.conformance.step import Step, faults, kept, path_of

__all__ = ["STEPS", "Step", "faults", "kept", "path_of"]

STEPS: Mapping[str, Sequence[Step]] = {
    "cronbeats": cronbeats.STEPS,
    "cronium": cronium.STEPS,
    "cronmonitor": cronmonitor.STEPS,
    "cronowl": cronowl.STEPS,
    "cronpulse": cronpulse.STEPS,
    "healthchecks": healthchecks.STEPS,
}
