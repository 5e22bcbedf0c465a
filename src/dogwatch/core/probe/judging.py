"""How what was seen falls short of what is expected, and what that makes of a slot."""

from collections.abc import Sequence
from dataclasses import dataclass

from dogwatch.core.probe.assertions import Assertion
from dogwatch.core.probe.seen import Seen
from dogwatch.core.result import Outcome, Result


@dataclass(frozen=True, slots=True)
class Fault:
    """An answer that falls short: the class of the fault, in words, and whether it is bearable."""

    error: str
    reason: str
    degrades: bool = False


def first_fault(demands: Sequence[Assertion], seen: Seen) -> Fault | None:
    """Return the first demand that fails, those that call the target down before the others."""
    for degrades in (False, True):
        for one in demands:
            if one.degrades is degrades and (reason := one.check(seen)):
                return Fault("assertion", reason, degrades)
    return None


def result_of(seen: Seen, fault: Fault | None) -> Result:
    """Return the result of one asking; a bearable fault counts like slowness: degraded."""
    outcome, error, reason = Outcome.OK, "", _good(seen)
    if seen.error:
        outcome = Outcome.TIMEOUT if seen.error == "timeout" else Outcome.FAIL
        error, reason = seen.error, seen.reason
    elif fault:
        outcome = Outcome.SLOW if fault.degrades else Outcome.FAIL
        error, reason = fault.error, fault.reason
    return Result(
        outcome,
        reason,
        duration_ms=round(seen.phases_ms.get("total", 0.0)),
        status_code=seen.status_code,
        phases_ms={name: _tenths(ms) for name, ms in seen.phases_ms.items()},
        error=error,
        detail=seen.detail,
        preview=seen.preview,
    )


def _tenths(ms: float) -> float:
    """Return `ms` to one digit; `round` would take five times as long."""
    return int(ms * 10 + 0.5) / 10


def _good(seen: Seen) -> str:
    return "" if seen.status_code is None else f"status {seen.status_code}"
