"""`python -m bench [--long] [name…]`: measure here, each figure beside its own baseline.

`--long` takes more rounds, and a million watches.
"""

import argparse
import os
from collections.abc import Callable, Iterator, Mapping

from bench import (
    dialects,
    egress,
    figures,
    helpers,
    limits,
    pages,
    pings,
    probes,
    runs,
    scale,
    spawn,
    webhooks,
    workflows,
)
from bench.table import Row, markdown

BENCHES: Mapping[str, Callable[[bool], Iterator[Row]]] = {
    "pings": lambda long: pings.rows(rounds=25 if long else 5),
    "egress": lambda long: egress.rows(),
    "probes": lambda long: probes.rows(),
    "figures": lambda long: figures.rows(10_000 if long else 1_000),
    "spawn": lambda long: spawn.rows(),
    "helpers": lambda long: helpers.rows(),
    "runs": lambda long: runs.rows(),
    "workflows": lambda long: workflows.rows(100 if long else 20),
    "scale": lambda long: scale.rows((10_000, 1_000_000) if long else (10_000,)),
    "webhooks": lambda long: webhooks.rows(),
    "limits": lambda long: limits.rows(),
    "dialects": lambda long: dialects.rows(),
    "pages": lambda long: pages.rows(),
}


def main() -> None:
    """Print one table of the benches that are named, or of all."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("names", nargs="*", choices=[*BENCHES, []], metavar="name")
    given = parser.parse_args()
    names = given.names or list(BENCHES)
    for line in markdown(row for name in names for row in BENCHES[name](given.long)):
        print(line, flush=True)
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"\n{os.cpu_count()} cores; load average over 1, 5 and 15 minutes at the end: {load}")


if __name__ == "__main__":
    main()
