"""What a script asks of Dogwatch while it runs, and what it is told."""

from dataclasses import dataclass
from typing import Literal

VOID = "this run has ended here, and with it its token"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: text as it is, a JSON text, or that there is nothing."""

    kind: Literal["text", "json", "none"]
    body: str = ""


NOTHING = Reply("none")


def condition_of(text: str) -> bool:
    """Return what a word means as a condition, as Bash scripts say it."""
    return text.strip().lower() not in ("", "0", "false", "no", "off", "null")
