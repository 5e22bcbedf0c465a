"""`python -m bench [name…]`: measure on this machine, each figure beside its own baseline."""

import sys
from collections.abc import Callable, Iterator, Mapping

from bench import egress, limits, pings, probes, runs, scale, spawn, webhooks
from bench.table import Row, markdown

BENCHES: Mapping[str, Callable[[], Iterator[Row]]] = {
    "pings": pings.rows,
    "egress": egress.rows,
    "probes": probes.rows,
    "spawn": spawn.rows,
    "runs": runs.rows,
    "scale": scale.rows,
    "webhooks": webhooks.rows,
    "limits": limits.rows,
}


def main() -> None:
    """Print one table of the benches that are named, or of all."""
    names = sys.argv[1:] or list(BENCHES)
    if unknown := [name for name in names if name not in BENCHES]:
        sys.exit(f"{unknown[0]} is none of {', '.join(BENCHES)}")
    for line in markdown(row for name in names for row in BENCHES[name]()):
        print(line, flush=True)


if __name__ == "__main__":
    main()
