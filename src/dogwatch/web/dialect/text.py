"""Text that dialects take: of one line or of several, neither with control characters."""

import re

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

_IN_LINE = re.compile(r"[\x00-\x1f\x7f]")
_IN_LINES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def _without(marks: re.Pattern[str], told: str) -> AfterValidator:
    def judged(text: str | None) -> str | None:
        if text and marks.search(text):
            raise PydanticCustomError("control", "{told}", {"told": told})
        return text

    return AfterValidator(judged)


ONE_LINE = _without(_IN_LINE, "must be one line without control characters")
LINES = _without(_IN_LINES, "must not hold control characters")
