"""Why a dialect's call was refused, before the dialect words it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Literal

from dogwatch.core.limits import Verdict
from dogwatch.core.problems import Problem, Usage
from dogwatch.usecases.limiting import Asked

Why = Literal[
    "unreadable", "invalid", "nameless", "unauthorized", "refused", "not_found", "no_path",
    "no_method", "conflict", "exceeded", "limited", "away", "fault",
]  # fmt: skip
AGAIN_S = 5


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why: `unreadable` is a body that is no JSON, `nameless` a call without any key, `no_path`
    and `no_method` what the framework does not find, `fault` a mistake of ours.

    `fields` are faults by field, of the body or of the `query`; `spent` are the windows of a
    limited caller, `usage` what is in use where the plan allows no more; `mark` finds a fault in
    our log.
    """

    why: Why
    message: str
    fields: Mapping[str, str] = field(default_factory=dict)
    retry_after_s: float | None = None
    spent: Sequence[tuple[Asked, Verdict]] = ()
    allowed: str = ""
    mark: str = ""
    usage: Usage | None = None
    query: bool = False

    def words(self, own: Mapping[Why, str]) -> str:
        """Return the dialect's own words for it, else ours, as far as anybody reads."""
        return own.get(self.why) or self.message[:500]

    @property
    def headers(self) -> dict[str, str]:
        """The headers that HTTP itself asks for (RFC 9110)."""
        if self.why in ("limited", "away"):
            return {"Retry-After": str(max(1, ceil(self.retry_after_s or AGAIN_S)))}
        return {"Allow": self.allowed} if self.allowed else {}


class Refused(Exception):  # noqa: N818  (what befell the call, not what went wrong here)
    """A call that ends with this refusal."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def of_problem(problem: Problem) -> Refusal:
    """Return the refusal that a use-case asks for."""
    return Refusal(
        problem.kind, problem.message, problem.fields, problem.retry_after_s, usage=problem.usage
    )
