"""One measurement beside its baseline of the same run."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """`figure` and `baseline` in the same unit, more is better."""

    what: str
    figure: float
    baseline_is: str
    baseline: float
    unit: str = "/s"

    @property
    def ratio(self) -> float:
        """The share of the baseline that is reached."""
        return self.figure / self.baseline


def markdown(rows: Iterable[Row]) -> Iterable[str]:
    """Yield the lines of a table, each as soon as its row is measured."""
    yield "| what | figure | baseline | baseline's figure | ratio |"
    yield "|---|---:|---|---:|---:|"
    for row in rows:
        yield (
            f"| {row.what} | {row.figure:,.0f}{row.unit} | {row.baseline_is} "
            f"| {row.baseline:,.0f}{row.unit} | {row.ratio:.0%} |"
        )
