"""The settings of a channel, judged by its kind."""

from collections.abc import Mapping
from typing import Any

from dogwatch.core.problems import Problem, invalid, renaming
from dogwatch.notify import CHANNELS
from dogwatch.notify.fields import Settings
from dogwatch.usecases import channels
from dogwatch.usecases.channels import ChannelRow
from dogwatch.vault import Vault
from dogwatch.web.api.masks import moved, unmasked_settings


def refuse_unknown(kind: str) -> None:
    """Raise a Problem for what is no kind of channel."""
    if kind not in CHANNELS:
        raise invalid("kind", f"use one of {', '.join(CHANNELS)}")


def checked(kind: str, settings: Mapping[str, Any]) -> Settings:
    """Return a channel's settings, public and secret apart, or raise a Problem of all faults."""
    refuse_unknown(kind)
    with renaming("settings.{}".format):
        return CHANNELS[kind].check(settings)


def merged(kind: str, stored: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a channel after a change: `***` keeps a secret, null drops one.

    Secrets stay with the origin they were given for; for another they have to be given again.
    """
    fields = CHANNELS[kind].fields
    usual = {one.name: one.default for one in fields}
    sent = {name: usual.get(name) if value is None else value for name, value in sent.items()}
    addresses = [one.name for one in fields if one.address and not one.fault(sent.get(one.name))]
    full = unmasked_settings(sent, stored, addresses)
    if moved(sent, stored, addresses):
        ours = [one.name for one in fields if one.secret and not one.signs]
        left = [name for name in ours if name in stored and name not in sent]
        wrong = {f"settings.{name}": "give it again for the new address" for name in left}
        if wrong:
            raise Problem("invalid", "; ".join(wrong.values()), wrong)
    return {name: value for name, value in {**stored, **full}.items() if value is not None}


def changed(vault: Vault, channel: ChannelRow, sent: Mapping[str, Any]) -> tuple[Settings, bool]:
    """Return the settings of a channel after a change, and whether other secrets sign then."""
    stored = channels.unsealed(vault, channel)
    settings = checked(channel.kind, merged(channel.kind, stored, sent))
    return settings, settings.secret.get("secrets") != stored.get("secrets")
