"""What a runner, a probe or a ping says happened: the outcome of one run."""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from dogwatch.core.data import data


class Outcome(StrEnum):
    """The terminal outcomes of a slot; every slot ends in exactly one of them."""

    OK = "ok"
    SLOW = "slow"
    FAIL = "fail"
    TIMEOUT = "timeout"
    MISSED = "missed"
    SKIPPED = "skipped"
    SUPPRESSED = "suppressed"
    UNKNOWN = "unknown"


GOOD = frozenset({Outcome.OK, Outcome.SLOW})
BAD = frozenset({Outcome.FAIL, Outcome.TIMEOUT, Outcome.MISSED})


@data()
class Result:
    """The outcome of one attempt, as a runner returns it.

    `reason` is one line for people ("exit status 3", "expected status 200, got 503"), free of
    secrets. `duration_ms` is measured on the monotonic clock. `phases_ms` holds the HTTP phases
    (dns, connect, tls, first_byte, total) where known. `retryable` is False where another
    attempt cannot help (cancelled, refused by policy). Of probes: `error` is the class of what
    went wrong, `detail` says more of it to the admin of the host alone, `preview` is the
    beginning of the answer.
    """

    outcome: Outcome
    reason: str = ""
    duration_ms: int = 0
    exit_code: int | None = None
    status_code: int | None = None
    phases_ms: Mapping[str, float] = field(default_factory=dict)
    retryable: bool = True
    error: str = ""
    detail: str = ""
    preview: str = ""
