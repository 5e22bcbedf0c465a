"""The settings of a channel, judged by its kind."""

from collections.abc import Mapping
from typing import Any

from dogwatch.core.problems import Problem, invalid
from dogwatch.notify import CHANNELS
from dogwatch.notify.channel import Settings


def checked(kind: str, settings: Mapping[str, Any]) -> Settings:
    """Return a channel's settings, public and secret apart, or raise a Problem of all faults."""
    channel = CHANNELS.get(kind)
    if channel is None:
        raise invalid("kind", f"use one of {', '.join(CHANNELS)}")
    try:
        return channel.check(settings)
    except Problem as problem:
        fields = {f"settings.{name}": text for name, text in problem.fields.items()}
        raise Problem(problem.kind, problem.message, fields) from None
