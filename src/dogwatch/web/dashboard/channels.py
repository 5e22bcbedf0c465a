"""Channels on the page of alerts: made and changed by the fields of their kind, tried, switched,
deleted."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Response

from dogwatch.core.alerts import Rule
from dogwatch.core.lengths import words_of
from dogwatch.core.problems import Problem, invalid
from dogwatch.notify import CHANNELS
from dogwatch.notify.channel import Channel
from dogwatch.notify.fields import Field, Settings
from dogwatch.usecases import audience, channels, lists, rules, telling, watches
from dogwatch.usecases.callers import require
from dogwatch.usecases.channels import ChannelRow
from dogwatch.usecases.door import Tx
from dogwatch.usecases.lists import Delivery, Receipt
from dogwatch.web.api.masks import masked_settings
from dogwatch.web.api.settings import changed, checked, merged
from dogwatch.web.dashboard.fields import parts, seconds
from dogwatch.web.dashboard.pages import moved, rendered
from dogwatch.web.dashboard.visit import Visit
from dogwatch.web.dashboard.words import named_by, sentence
from dogwatch.web.reach import hosts_of_channel


async def show_new(visit: Visit) -> Response:
    """Show the kinds, or the form of one."""
    require(visit.caller, "channels.make")
    kind = CHANNELS.get(visit.form.get("kind") or visit.query.get("kind", ""))
    if kind is None:
        return rendered(visit, "channel_kinds.html", kinds=CHANNELS.values(), off=_off(visit))
    usual = {"name": kind.label, "all": "1"} | _written(kind, {})
    return rendered(
        visit, "channel.html", kind=kind, off=_off(visit).get(kind.kind, ""), channel=None,
        values=visit.form or usual, stored=(), used_by=(),
    )  # fmt: skip


async def show_edit(visit: Visit) -> Response:
    """Show the form of one that is there; of its secrets, which there are."""
    require(visit.caller, "channels.change")
    channel, used_by = await visit.see(lambda tx: _found(tx, visit))
    kind, full = CHANNELS[channel.kind], channels.unsealed(visit.services.vault, channel)
    window_s = channel.group_window_s
    values = {
        "name": channel.name, "group_window_s": "" if window_s is None else words_of(window_s),
        **({"all": "1"} if any(_of_all(rule, channel.id) for rule, _ in used_by) else {}),
        **_written(kind, masked_settings(full, channel.settings)),
    }  # fmt: skip
    return rendered(
        visit, "channel.html", kind=kind, off=_off(visit).get(kind.kind, ""), channel=channel,
        values=visit.form or values, used_by=used_by,
        stored={one.name for one in kind.fields if one.secret and full.get(one.name)},
    )  # fmt: skip


def _written(kind: Channel, settings: Mapping[str, Any]) -> dict[str, str]:
    """Return settings as the form has them."""
    told = {one.name: settings.get(one.name, one.default) or "" for one in kind.fields}
    return {
        f"settings.{name}": "\n".join(map(str, value)) if isinstance(value, list) else str(value)
        for name, value in told.items()
    }


def _off(visit: Visit) -> Mapping[str, str]:
    """Return why kinds cannot be used here."""
    off = {}
    if not visit.services.mail_on:
        off["email"] = "no mail server is set (DOGWATCH_SMTP_URL)"
    if not visit.services.apprise_on:
        off["apprise"] = "the admin of this instance does not allow it (DOGWATCH_APPRISE)"
    return off


async def make(visit: Visit) -> Response:
    """Make a channel, and the rule that tells it of everything if that is asked for."""
    require(visit.caller, "channels.make")
    kind = CHANNELS.get(visit.form.get("kind", ""))
    if kind is None:
        raise invalid("kind", "choose one of those shown")
    if fault := _off(visit).get(kind.kind):
        raise Problem("refused", fault)
    settings = checked(kind.kind, merged(kind.kind, {}, _given(visit, kind)))
    vault, at, window_s = visit.services.vault, visit.at, seconds(visit, "group_window_s")
    await visit.refuse_blocked(hosts_of_channel(kind.kind, settings.public | settings.secret))

    def made(tx: Tx) -> ChannelRow:
        row = channels.add_channel(
            tx, visit.workspace_id, visit.form.get("name", ""), kind.kind, settings.public,
            settings.secret, vault, at, window_s,
        )  # fmt: skip
        _tell_of_all(tx, visit, row.id)
        return row

    channel = await visit.carry_out("channels.make", kind.kind, made)
    return _done(visit, channel, settings)


async def change(visit: Visit) -> Response:
    """Change a channel; a secret that is not given stays."""
    require(visit.caller, "channels.change")
    name, window_s = visit.name, seconds(visit, "group_window_s")
    found = await visit.see(lambda tx: channels.channel_by_id(tx, visit.workspace_id, name))
    given = _given(visit, CHANNELS[found.kind])
    await visit.refuse_blocked(hosts_of_channel(found.kind, given))

    def done(tx: Tx) -> tuple[ChannelRow, Settings, bool]:
        channel = channels.channel_by_id(tx, visit.workspace_id, name)
        settings, fresh = changed(visit.services.vault, channel, given)
        channels.change_channel(
            tx, channel, visit.services.vault, name=visit.form.get("name", ""),
            public=settings.public, secret=settings.secret, enabled="on" in visit.form or None,
        )  # fmt: skip
        _tell_of_all(tx, visit, name)
        return channels.regroup(tx, channel, window_s), settings, fresh

    channel, settings, fresh = await visit.carry_out("channels.change", name, done)
    return _done(visit, channel, settings if fresh else Settings())


def _given(visit: Visit, kind: Channel) -> dict[str, Any]:
    """Return the settings that the form gives: None takes one out, an empty secret stays."""
    given = {}
    for one in kind.fields:
        value = _value(visit, one)
        if value or not one.secret or f"drop.{one.name}" in visit.form:
            given[one.name] = value or None
    return given


def _value(visit: Visit, one: Field) -> str | Sequence[str]:
    name = f"settings.{one.name}"
    return list(parts(visit, name)) if one.many else visit.form.get(name, "").strip()


def _tell_of_all(tx: Tx, visit: Visit, channel_id: str) -> None:
    """Have a rule tell a channel of everything, or none, as the form says."""
    used_by = audience.users_of(tx, visit.workspace_id, channel_id)
    own = [rule for rule in used_by if _of_all(rule, channel_id)]
    if "all" in visit.form and not own:
        rules.add_rule(tx, visit.workspace_id, Rule("", channel_id), visit.at)
    if "all" not in visit.form:
        for rule in own:
            rules.remove_rule(tx, visit.workspace_id, rule.id, visit.at)


def _of_all(rule: Rule, channel_id: str) -> bool:
    """Tell whether a rule tells a channel when any item goes down or recovers."""
    usual = Rule("", channel_id)
    same = (rule.channel_id, rule.scope) == (usual.channel_id, usual.scope)
    return same and rule.events >= usual.events


def _done(visit: Visit, channel: ChannelRow, settings: Settings) -> Response:
    """Show the secrets that sign from now on, this once; or go back to the alerts."""
    secrets = settings.secret.get("secrets")
    if isinstance(secrets, list) and secrets:
        return rendered(visit, "channel_signs.html", channel=channel, secrets=secrets)
    return moved(visit, "alerts")


async def test(visit: Visit) -> Response:
    """Send a real test message; the page of its delivery has the answer."""
    name = visit.name
    sent = await visit.carry_out(
        "channels.test", name,
        lambda tx: telling.test_channel(tx, visit.workspace_id, name, visit.at),
    )  # fmt: skip
    return moved(visit, f"alerts/deliveries/{sent.id}")


async def show_delivery(visit: Visit) -> Response:
    """Show what became of one message, attempt by attempt."""
    delivery, receipts, channel = await delivered(visit)
    return rendered(
        visit, "delivery.html", delivery=delivery, receipts=receipts, channel=channel,
        kind=CHANNELS[channel.kind].label,
    )  # fmt: skip


async def delivered(visit: Visit) -> tuple[Delivery, Sequence[Receipt], ChannelRow]:
    """Return a message with the answer to each attempt, and its channel."""
    require(visit.caller, "deliveries.show")

    def found(tx: Tx) -> tuple[Delivery, Sequence[Receipt], ChannelRow]:
        delivery, receipts = lists.delivery(tx, visit.workspace_id, visit.name)
        channel = channels.channel_by_id(tx, visit.workspace_id, delivery.channel_id)
        return delivery, receipts, channel

    return await visit.see(found)


async def enable(visit: Visit) -> Response:
    """Switch it on again."""
    return await _switched(visit, enabled=True)


async def disable(visit: Visit) -> Response:
    """Switch it off; its rules stay."""
    return await _switched(visit, enabled=False)


async def _switched(visit: Visit, *, enabled: bool) -> Response:
    vault, name = visit.services.vault, visit.name

    def switched(tx: Tx) -> ChannelRow:
        channel = channels.channel_by_id(tx, visit.workspace_id, name)
        return channels.change_channel(tx, channel, vault, enabled=enabled)

    await visit.carry_out("channels.change", name, switched)
    return moved(visit, "alerts")


async def ask_removal(visit: Visit) -> Response:
    """Ask whether it shall really be deleted, and name what uses it."""
    require(visit.caller, "channels.delete")
    channel, used_by = await visit.see(lambda tx: _found(tx, visit))
    return rendered(visit, "channel_remove.html", channel=channel, used_by=used_by)


def _found(tx: Tx, visit: Visit) -> tuple[ChannelRow, Sequence[tuple[Rule, str]]]:
    """Return a channel, and the rules that use it with their words."""
    channel = channels.channel_by_id(tx, visit.workspace_id, visit.name)
    used_by = audience.users_of(tx, visit.workspace_id, channel.id)
    named = named_by(one.scope for one in used_by)
    names = watches.slugs_of(tx, visit.workspace_id, named)
    return channel, [(rule, sentence(rule, names)) for rule in used_by]


async def remove(visit: Visit) -> Response:
    """Delete it with its rules."""
    name = visit.name
    await visit.carry_out(
        "channels.delete", name, lambda tx: channels.remove_channel(tx, visit.workspace_id, name)
    )
    return moved(visit, "alerts")
