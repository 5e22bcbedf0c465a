"""Measurements that take turns: other work on the machine then comes to all of them alike."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROUNDS = 5
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Sample:
    """Items per second, and the microseconds of CPU that each cost the process measured."""

    rate: float
    cpu_us: float = 0.0


def in_turns(sides: Mapping[str, Callable[[], Sample]], rounds: int = ROUNDS) -> dict[str, Sample]:
    """Measure each side in each round; return the medians."""
    found: dict[str, list[Sample]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, measure in sides.items():
            found[name].append(measure())
    return {
        name: Sample(median(one.rate for one in many), median(one.cpu_us for one in many))
        for name, many in found.items()
    }


def cpu_s(pid: int) -> float:
    """Return the CPU seconds that a process has used. proc(5), utime and stime."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
