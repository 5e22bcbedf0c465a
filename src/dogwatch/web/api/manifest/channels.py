"""Channels in a manifest: each by its key, which is its name where no other has that.

What is secret of them is told as `***`, which keeps what is stored. The secrets that sign
messages are made here, and not told at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from dogwatch.core.manifest.change import Change
from dogwatch.core.manifest.said import Told
from dogwatch.core.problems import invalid
from dogwatch.notify import CHANNELS
from dogwatch.notify.fields import Settings
from dogwatch.usecases import channels
from dogwatch.usecases.channels import ChannelRow
from dogwatch.usecases.keeping import CHANNEL
from dogwatch.web.api.asked import ChannelNew
from dogwatch.web.api.channels import refuse_kind
from dogwatch.web.api.manifest.places import parsed
from dogwatch.web.api.manifest.plan import Plan, Turn, Writing, asked_of
from dogwatch.web.api.manifest.present import Present
from dogwatch.web.api.masks import masked_settings, unmasked_settings
from dogwatch.web.api.settings import checked, refuse_unknown

_OWN = ("key", "enabled")
KEY_LENGTH = 255


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is said of a channel, in one form; its settings complete."""

    key: str
    name: str
    kind: str
    settings: Settings
    group_window_s: int | None
    enabled: bool


class _ChannelTold(ChannelNew):
    """A channel whose settings are judged once it is known what is stored of them."""

    def check(self) -> None:
        """Raise a Problem for an unknown kind alone."""
        refuse_unknown(self.kind)


def key(one: Told) -> str:
    """Return what names a channel in a manifest."""
    return str(one.get("key") or one.get("name", "")).strip()


def told(present: Present) -> list[Told]:
    """Return all channels, by key."""
    return [_told(own, _of(present, own, row)) for own, row in present.channels.items()]


def judge(one: Told) -> None:
    """Raise a Problem of all that is wrong in itself."""
    bad = {}
    if not isinstance(one.get("key", ""), str) or len(one.get("key", "")) > KEY_LENGTH:
        bad["key"] = f"must be text of at most {KEY_LENGTH} characters"
    if not isinstance(one.get("enabled", True), bool):
        bad["enabled"] = "must be true or false"
    parsed(_ChannelTold, _bare(one), bad)


def plan(plan: Plan, some: Sequence[Told]) -> None:
    """Plan what makes or changes channels."""
    for place, one in asked_of(some, "channels"):
        with plan.at(place):
            _plan(plan, place, one)


def _plan(plan: Plan, place: str, one: Told) -> None:
    row = plan.present.channels.get(key(one))
    if row is None:
        _refuse_twins(plan, one)
    now = _of(plan.present, key(one), row) if row else None
    if row:
        plan.keep((CHANNEL, row.id), row.name)
        if row.key is None:  # from now on it goes by this, whatever else is called so
            plan.do(Turn.PUT, place, partial(_call, row, key(one)))
    asked = _asked(plan, one, row, now)
    if row and asked == now:
        return
    before = _told(key(one), now) if now else None
    plan.change(
        Change("channels", before, _told(key(one), asked)), *([(CHANNEL, row.id)] if row else ())
    )
    plan.do(Turn.PUT, place, partial(_put, row, asked))


def _refuse_twins(plan: Plan, one: Told) -> None:
    """Raise a Problem for a name that several channels have, none of which is meant by it."""
    own = key(one)
    rows = plan.present.channels.items()
    twins = [other for other, row in rows if row.name == own and not row.key]
    if len(twins) > 1:
        told = f"several channels are called so; say which by key: {' or '.join(twins)}"
        raise invalid("name", told)


def _of(present: Present, own: str, row: ChannelRow) -> _Asked:
    """Return what is said of a present channel."""
    full, fields = channels.unsealed(present.vault, row), CHANNELS[row.kind].fields
    stored = {one.name: full.get(one.name, one.default) for one in fields}
    public, secret = (
        {one.name: stored[one.name] for one in fields
         if one.secret is hidden and stored[one.name] is not None}
        for hidden in (False, True)
    )  # fmt: skip
    return _Asked(
        own, row.name, row.kind, Settings(public, secret), row.group_window_s,
        row.disabled_reason is None,
    )  # fmt: skip


def _told(own: str, one: _Asked) -> Told:
    fields = {field.name: field for field in CHANNELS[one.kind].fields}
    every = {**one.settings.public, **one.settings.secret}
    shown = {
        name: value
        for name, value in masked_settings(every, one.settings.public).items()
        if not fields[name].signs and (fields[name].needed or every[name] != fields[name].default)
    }
    told: Told = {} if own == one.name else {"key": own}
    told |= {"name": one.name, "kind": one.kind, "settings": shown}
    if one.group_window_s is not None:
        told["group_window_s"] = one.group_window_s
    return told if one.enabled else told | {"enabled": False}


def _asked(plan: Plan, one: Told, row: ChannelRow | None, now: _Asked | None) -> _Asked:
    body = parsed(_ChannelTold, _bare(one))
    if row and row.kind != body.kind:
        raise invalid("kind", f"is a {row.kind} channel here; delete it, or give another name")
    if row is None:
        refuse_kind(plan.services, body.kind)
    stored: dict[str, Any] = {**now.settings.public, **now.settings.secret} if now else {}
    addresses = [field.name for field in CHANNELS[body.kind].fields if field.address]
    given = unmasked_settings(body.settings, stored, addresses)
    signing = {
        field.name: stored[field.name]
        for field in CHANNELS[body.kind].fields
        if field.signs and field.name in stored
    }
    return _Asked(
        key(one), body.name.strip(), body.kind, checked(body.kind, {**signing, **given}),
        body.group_window_s, one.get("enabled", True),
    )  # fmt: skip


def _call(row: ChannelRow, own: str, writing: Writing) -> None:
    channels.call(writing.tx, row, own)


def _put(row: ChannelRow | None, one: _Asked, writing: Writing) -> None:
    tx, workspace_id = writing.where
    public, secret = one.settings.public, one.settings.secret
    if row is None:
        row = channels.add_channel(
            tx, workspace_id, one.name, one.kind, public, secret, writing.vault,
            writing.present.at, one.group_window_s,
        )  # fmt: skip
        writing.kept.add((CHANNEL, row.id))
    else:
        row = channels.change_channel(
            tx, row, writing.vault, name=one.name, public=public, secret=secret
        )
        row = channels.regroup(tx, row, one.group_window_s)
    channels.call(tx, row, one.key)
    writing.ids[one.key] = row.id
    if one.enabled is not (row.disabled_reason is None):
        channels.change_channel(tx, row, writing.vault, enabled=one.enabled)


def _bare(one: Told) -> Told:
    return {name: value for name, value in one.items() if name not in _OWN}
