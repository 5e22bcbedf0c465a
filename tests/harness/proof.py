"""What a proof says when it is done, one line of the table of promises, and how long it takes.

`DOGWATCH_PROVE` is a budget in minutes for all proofs together, as `make prove` gives it; an hour
is the full length of each. `DOGWATCH_PROOFS` names a file that collects the lines.
"""

import os
from pathlib import Path

FULL_MINUTES = 60.0


def tell(promise: str, figure: str, *, holds: bool, seed: str = "-") -> str:
    """Print the line, collect it, and return it for the assertion that may follow."""
    line = f"proof | {promise} | {figure} | {'holds' if holds else 'BROKEN'} | seed {seed}"
    print(line)
    if collected := os.environ.get("DOGWATCH_PROOFS"):
        with Path(collected).open("a") as file:
            file.write(line + "\n")
    return line


def length(name: str, short: float, full: float) -> float:
    """Return how much of a proof to do: `name` in the environment says it, else the budget.

    Without a budget it is `short`, for every run of the suite; with one, its share of `full`.
    """
    if given := os.environ.get(name):
        return float(given)
    share = float(os.environ.get("DOGWATCH_PROVE") or 0) / FULL_MINUTES
    return max(short, full * share)
