"""The one error a rule or a use-case raises; each door words it in its own form."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "invalid", "not_found", "conflict", "refused", "exceeded", "unauthorized", "limited", "away"
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Usage:
    """What is in use of a plan's limit."""

    plan: str
    limit: int
    present: int


class Problem(Exception):  # noqa: N818  (a domain answer, not a fault of ours)
    """Says whose fault it is (`kind`), where (`fields`: field name to message) and what to do.

    `kind`: invalid (bad input) · not_found · conflict (state forbids it) · refused (not allowed) ·
    exceeded (the plan allows no more, see `usage`) · unauthorized (no valid key) · limited (too
    many at once; see `retry_after_s`) · away (try again later).
    """

    def __init__(
        self,
        kind: Kind,
        message: str,
        fields: Mapping[str, str] | None = None,
        *,
        retry_after_s: float | None = None,
        usage: Usage | None = None,
    ) -> None:
        super().__init__(message)
        self.kind: Kind = kind
        self.message = message
        self.fields: Mapping[str, str] = dict(fields or {})
        self.retry_after_s = retry_after_s
        self.usage = usage


def invalid(field: str, message: str) -> Problem:
    """Return the problem of one bad field."""
    return Problem("invalid", f"{field}: {message}", {field: message})
