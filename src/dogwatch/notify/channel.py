"""What every channel is: it checks a user's settings and makes one attempt to deliver."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from dogwatch.core.alerts import Attempt
from dogwatch.core.message import Message
from dogwatch.core.plain import one_line
from dogwatch.egress import Egress
from dogwatch.notify.fields import Field, Settings

__all__ = ["Channel", "Settings"]

TIMEOUT_S = 15.0
DETAIL_LENGTH = 500


class Channel(Protocol):
    """One way to tell people; one file in this package and one line in `CHANNELS`."""

    @property
    def kind(self) -> str:
        """Return the channel's name in rules, rows and addresses: "webhook", "email"."""
        ...

    @property
    def label(self) -> str:
        """Return the channel's name for people: "Slack"."""
        ...

    @property
    def fields(self) -> tuple[Field, ...]:
        """Return its settings, as forms and documents show them."""
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
