"""Channels in a manifest: each by its key, which is its name where no other has that.

What is secret of them is told as `***`, which keeps what is stored. The secrets that sign
messages are made here, and not told at all.
"""

import json
from collections.abc import Mapping, Sequence

from dogwatch.core.manifest.said import Told
from dogwatch.core.problems import Problem, invalid
from dogwatch.notify import CHANNELS
from dogwatch.usecases import channels
from dogwatch.usecases.channels import ChannelRow
from dogwatch.web.api.asked import ChannelNew
from dogwatch.web.api.channels import refuse_kind
from dogwatch.web.api.manifest.work import Work, at, parsed
from dogwatch.web.api.masks import masked_settings, unmasked_settings
from dogwatch.web.api.settings import checked, refuse_unknown

MOST = 1_000_000
_OWN = ("key", "enabled")


def told(work: Work) -> list[Told]:
    """Return all channels, by key."""
    return [one for one, _ in _all(work)]


def keys(work: Work) -> Mapping[str, str]:
    """Return the keys of all channels by id."""
    return {row.id: key(one) for one, row in _all(work)}


def judge(one: Told) -> None:
    """Raise a Problem of all that is wrong in itself."""
    bad = {}
    if not isinstance(one.get("key", ""), str):
        bad["key"] = "must be text"
    if not isinstance(one.get("enabled", True), bool):
        bad["enabled"] = "must be true or false"
    if bad:
        raise Problem("invalid", "; ".join(bad.values()), bad)
    parsed(_ChannelTold, _bare(one))


class _ChannelTold(ChannelNew):
    """A channel whose settings are judged once it is known what is stored of them."""

    def check(self) -> None:
        """Raise a Problem for an unknown kind alone."""
        refuse_unknown(self.kind)


def take(work: Work, some: Sequence[Told]) -> None:
    """Make or change channels."""
    present = {key(one): (one, row) for one, row in _all(work)}
    for number, one in enumerate(some):
        with at(f"channels.{number}"):
            before, row = present.get(key(one), (None, None))
            if one != before:
                _put(work, one, row)


def _put(work: Work, one: Told, row: ChannelRow | None) -> None:
    body = parsed(_ChannelTold, _bare(one))
    if row is None:
        row = _made(work, body)
    elif row.kind != body.kind:
        raise invalid("kind", f"is a {row.kind} channel here; delete it, or give another name")
    else:
        row = _changed(work, key(one), body, row)
    enabled = one.get("enabled", True)
    if enabled is not (row.disabled_reason is None):
        channels.change_channel(work.tx, row, work.vault, enabled=enabled)


def _made(work: Work, body: ChannelNew) -> ChannelRow:
    refuse_kind(work.services, body.kind)
    given = unmasked_settings(body.settings, {}, _addresses(body.kind))
    settings = checked(body.kind, given)
    return channels.add_channel(
        work.tx, work.workspace_id, body.name, body.kind, settings.public, settings.secret,
        work.vault, work.at, body.group_window_s,
    )  # fmt: skip


def _changed(work: Work, own: str, body: ChannelNew, row: ChannelRow) -> ChannelRow:
    stored = channels.unsealed(work.vault, row)
    given = unmasked_settings(body.settings, stored, _addresses(body.kind))
    signing = {name: stored[name] for name in _signing(body.kind) if name in stored}
    settings = checked(body.kind, {**signing, **given})
    if {**settings.public, **settings.secret} != stored:
        work.unseen.add(f"channels {own}")
    row = channels.change_channel(
        work.tx, row, work.vault, name=body.name, public=settings.public, secret=settings.secret
    )
    return channels.regroup(work.tx, row, body.group_window_s)


def _all(work: Work) -> list[tuple[Told, ChannelRow]]:
    """Return channels as they are told, in an order that does not follow when they were made."""
    rows = channels.channel_page(work.tx, work.workspace_id, MOST, "")
    found = sorted(((_told(work, row), row) for row in rows), key=_order)
    taken = set[str]()
    for one, _ in found:
        names = (one["name"], *(f"{one['name']} ({n})" for n in range(2, len(found) + 2)))
        own = next(name for name in names if name not in taken)
        taken.add(own)
        if own != one["name"]:
            one["key"] = own
    return found


def _order(pair: tuple[Told, ChannelRow]) -> tuple[str, str]:
    return str(pair[0]["name"]), json.dumps(pair[0], sort_keys=True)


def _told(work: Work, row: ChannelRow) -> Told:
    settings = masked_settings(channels.unsealed(work.vault, row), row.settings)
    hidden = _signing(row.kind)
    shown = {name: value for name, value in settings.items() if name not in hidden}
    one: Told = {"name": row.name, "kind": row.kind, "settings": shown}
    if row.group_window_s is not None:
        one["group_window_s"] = row.group_window_s
    return one if row.disabled_reason is None else one | {"enabled": False}


def key(one: Told) -> str:
    """Return what names a channel in a manifest."""
    return str(one.get("key") or one.get("name", "")).strip()


def _bare(one: Told) -> Told:
    return {name: value for name, value in one.items() if name not in _OWN}


def _signing(kind: str) -> set[str]:
    return {one.name for one in CHANNELS[kind].fields if one.signs}


def _addresses(kind: str) -> list[str]:
    return [one.name for one in CHANNELS[kind].fields if one.address]
