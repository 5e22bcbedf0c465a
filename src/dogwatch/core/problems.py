"""The one error a rule or a use-case raises; each door words it in its own form."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "invalid", "not_found", "conflict", "refused", "exceeded", "unauthorized", "limited", "away"
]  # fmt: skip
_LONGEST = 2_000


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

    def of_fields(self, fields: Mapping[str, str], message: str | None = None) -> "Problem":
        """Return the same problem of other fields, and in other words if there are any."""
        return Problem(
            self.kind,
            self.message if message is None else message,
            fields,
            retry_after_s=self.retry_after_s,
            usage=self.usage,
        )


@contextmanager
def renaming(name: Callable[[str], str]) -> Iterator[None]:
    """Have the fields of a problem that is raised inside told by other names."""
    try:
        yield
    except Problem as problem:
        fields = {name(field): told for field, told in problem.fields.items()}
        raise problem.of_fields(fields) from None


def in_words(faults: Mapping[str, str]) -> str:
    """Return faults by field in words, as far as anybody reads."""
    return "; ".join(f"{field}: {told}" for field, told in faults.items())[:_LONGEST]


def refuse(faults: Mapping[str, str]) -> None:
    """Raise one problem of all bad fields, if there are any."""
    if faults:
        raise Problem("invalid", in_words(faults), faults)


def invalid(field: str, message: str) -> Problem:
    """Return the problem of one bad field."""
    return Problem("invalid", f"{field}: {message}", {field: message})
