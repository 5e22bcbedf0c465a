"""One measurement beside its baseline of the same run."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """`figure` and `baseline` in the same unit; `cpu_us`: of CPU for each item, where known."""

    what: str
    figure: float
    baseline_is: str
    baseline: float
    unit: str = "/s"
    cpu_us: float | None = None

    @property
    def ratio(self) -> float:
        """The share of the baseline that is reached."""
        return self.figure / self.baseline


def markdown(rows: Iterable[Row]) -> Iterable[str]:
    """Yield the lines of a table, each as soon as its row is measured."""
    yield "| what | figure | baseline | baseline's figure | ratio | CPU each |"
    yield "|---|---:|---|---:|---:|---:|"
    for row in rows:
        cpu = "" if row.cpu_us is None else f"{row.cpu_us:,.0f} µs"
        yield (
            f"| {row.what} | {row.figure:,.0f}{row.unit} | {row.baseline_is} "
            f"| {row.baseline:,.0f}{row.unit} | {row.ratio:.0%} | {cpu} |"
        )
