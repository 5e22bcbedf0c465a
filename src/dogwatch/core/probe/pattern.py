"""Regular expressions by RE2: in linear time, whoever wrote them."""

from functools import lru_cache

import re2

MAX_LENGTH = 500
# RE2 needs up to some 10 ns for each of its instructions and each character, so this is 0.3 s.
MAX_SIZE = 500
MAX_CHARACTERS = 64 * 1024


def fault(pattern: str) -> str | None:
    """Return what is wrong with a pattern, or None."""
    if len(pattern) > MAX_LENGTH:
        return f"must have at most {MAX_LENGTH} characters"
    try:
        size = _compiled(pattern).programsize
    except re2.error:
        return "is no regular expression of RE2 (no look-around, no back references)"
    return None if size <= MAX_SIZE else "is too complex; repeat less"


def found(pattern: str, text: str) -> bool:
    """Say whether the pattern matches anywhere in the first `MAX_CHARACTERS` of the text."""
    return _compiled(pattern).search(text[:MAX_CHARACTERS]) is not None


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> "re2._Regexp":
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    return re2.compile(pattern, options)
