"""What every channel is: it checks a user's settings and makes one attempt to deliver."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from dogwatch.core.alerts import Attempt, Message, one_line
from dogwatch.core.problems import Problem
from dogwatch.egress import Egress

TIMEOUT_S = 15.0
DETAIL_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Settings:
    """A channel's settings, split in what may be shown and what must be sealed."""

    public: dict[str, object] = field(default_factory=dict)
    secret: dict[str, object] = field(default_factory=dict)


class Channel(Protocol):
    """One way to tell people; one file in this package and one line in `CHANNELS`."""

    @property
    def kind(self) -> str:
        """Return the channel's name in rules, rows and addresses: "webhook", "email"."""
        ...

    def check(self, settings: Mapping[str, object]) -> Settings:
        """Return a user's settings split and completed, or raise a Problem of all bad fields."""
        ...

    async def send(
        self, egress: Egress, settings: Mapping[str, object], message: Message, at: datetime
    ) -> Attempt:
        """Try once, 15 s in all; trouble of the network or the service is a verdict.

        `settings` holds public and secret ones together; `at` is the time of this attempt.
        """
        ...


def detail(words: str) -> str:
    """Return a service's words as one printable line of at most 500 characters."""
    return one_line(words, DETAIL_LENGTH)


def refuse_unknown(
    settings: Mapping[str, object], known: frozenset[str], wrong: dict[str, str]
) -> None:
    """Add each setting that the channel doesn't know to `wrong`."""
    for name in sorted(settings.keys() - known):
        wrong[name] = f"unknown setting; known are: {', '.join(sorted(known))}"


def raise_if(wrong: Mapping[str, str]) -> None:
    """Raise one Problem that names every bad field, if there are any."""
    if wrong:
        told = "; ".join(f"{name}: {message}" for name, message in wrong.items())
        raise Problem("invalid", told, wrong)
