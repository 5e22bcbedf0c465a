"""Channels on the page of alerts: made by the fields of their kind, tried, switched, deleted."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Response

from dogwatch.core.alerts import Rule
from dogwatch.core.problems import Problem, invalid
from dogwatch.notify import CHANNELS
from dogwatch.notify.channel import Channel
from dogwatch.notify.fields import Field
from dogwatch.usecases import audience, channels, lists, rules, telling, watches
from dogwatch.usecases.callers import require
from dogwatch.usecases.channels import ChannelRow
from dogwatch.usecases.door import Tx
from dogwatch.usecases.lists import Delivery, Receipt
from dogwatch.web.api.settings import checked
from dogwatch.web.dashboard.fields import parts
from dogwatch.web.dashboard.pages import moved, rendered
from dogwatch.web.dashboard.visit import Visit
from dogwatch.web.dashboard.words import named_by, sentence
from dogwatch.web.reach import hosts_of_channel


async def show_new(visit: Visit) -> Response:
    """Show the kinds, or the form of one."""
    require(visit.caller, "channels.make")
    kind = visit.form.get("kind") or visit.query.get("kind", "")
    if kind not in CHANNELS:
        return rendered(visit, "channel_kinds.html", kinds=CHANNELS.values(), off=_off(visit))
    return rendered(visit, "channel_new.html", kind=CHANNELS[kind], off=_off(visit).get(kind, ""))


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
    settings, vault, at = checked(kind.kind, _given(visit, kind)), visit.services.vault, visit.at
    await visit.refuse_blocked(hosts_of_channel(kind.kind, settings.public | settings.secret))

    def made(tx: Tx) -> ChannelRow:
        row = channels.add_channel(
            tx, visit.workspace_id, visit.form.get("name", ""), kind.kind, settings.public,
            settings.secret, vault, at,
        )  # fmt: skip
        if "all" in visit.form:
            rules.add_rule(tx, visit.workspace_id, Rule("", row.id), at)
        return row

    channel = await visit.carry_out("channels.make", kind.kind, made)
    secrets = settings.secret.get("secrets")
    if isinstance(secrets, list) and secrets:
        return rendered(visit, "channel_made.html", channel=channel, secrets=secrets)
    return moved(visit, "alerts")


def _given(visit: Visit, kind: Channel) -> dict[str, Any]:
    """Return the settings that the form gives; what is empty is not given."""
    given = {one.name: _value(visit, one) for one in kind.fields}
    return {name: value for name, value in given.items() if value}


def _value(visit: Visit, one: Field) -> str | Sequence[str]:
    name = f"settings.{one.name}"
    return list(parts(visit, name)) if one.many else visit.form.get(name, "").strip()


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
    name = visit.name

    def found(tx: Tx) -> tuple[ChannelRow, Sequence[Rule], Mapping[str, str]]:
        channel = channels.channel_by_id(tx, visit.workspace_id, name)
        used_by = audience.users_of(tx, visit.workspace_id, name)
        named = named_by(one.scope for one in used_by)
        return channel, used_by, watches.slugs_of(tx, visit.workspace_id, named)

    channel, used_by, names = await visit.see(found)
    return rendered(
        visit, "channel_remove.html", channel=channel,
        used_by=[(rule, sentence(rule, names)) for rule in used_by],
    )  # fmt: skip


async def remove(visit: Visit) -> Response:
    """Delete it with its rules."""
    name = visit.name
    await visit.carry_out(
        "channels.delete", name, lambda tx: channels.remove_channel(tx, visit.workspace_id, name)
    )
    return moved(visit, "alerts")
