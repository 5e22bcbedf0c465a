"""What several locations saw of one slot, as one outcome."""

from collections.abc import Mapping
from dataclasses import replace

from dogwatch.core.result import BAD, Outcome, Result

MAX_LOCATIONS = 20
LOCATION = "[a-z0-9][a-z0-9-]{0,31}"


def agreed(
    results: Mapping[str, Result], locations: int, agree: int, *, over: bool = False
) -> Result | None:
    """Return the outcome once `agree` of the locations call it bad, or no longer can; else None.

    `over`: the time for it is up, and those that said nothing won't.
    """
    bad = {name: one for name, one in results.items() if one.outcome in BAD}
    good = {name: one for name, one in results.items() if name not in bad}
    if len(bad) >= agree:
        worst = next(iter(bad.values()))
        return replace(worst, reason=_listed(f"{len(bad)} of {locations} locations", bad))
    if good and (len(good) > locations - agree or over):
        return _good(good, bad, locations)
    if over:
        words = f"{len(results)} of {locations} locations answered"
        return Result(Outcome.UNKNOWN, _listed(words, bad), retryable=False)
    return None


def _good(good: Mapping[str, Result], bad: Mapping[str, Result], locations: int) -> Result:
    """Return the slowest of the good answers as the one that counts."""
    slowest = max(good.values(), key=lambda one: (one.outcome is Outcome.SLOW, one.duration_ms))
    if not bad:
        return slowest
    return replace(slowest, reason=_listed(f"only {len(bad)} of {locations} locations", bad))


def _listed(words: str, told: Mapping[str, Result]) -> str:
    said = "; ".join(f"{name}: {one.reason}" for name, one in told.items())
    return f"{words}: {said}"[:500] if said else words
