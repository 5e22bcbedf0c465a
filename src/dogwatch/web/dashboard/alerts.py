"""Alerts: who is told, how, and does it really arrive?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import Response

from dogwatch.core.alerts import Event, Rule, said_again, where
from dogwatch.core.message import subject
from dogwatch.core.plain import span
from dogwatch.core.problems import Problem
from dogwatch.notify import CHANNELS
from dogwatch.usecases import (
    audience,
    channels,
    lists,
    maintenance,
    manifests,
    rehearsal,
    rules,
    watches,
)
from dogwatch.usecases.audience import Hearer
from dogwatch.usecases.callers import require
from dogwatch.usecases.channels import ChannelRow
from dogwatch.usecases.door import Tx
from dogwatch.usecases.facts import message_of
from dogwatch.usecases.lists import Delivery, Receipt
from dogwatch.usecases.maintenance import Maintenance
from dogwatch.usecases.manifests import Thing
from dogwatch.web.dashboard.pages import rendered
from dogwatch.web.dashboard.visit import Visit
from dogwatch.web.dashboard.words import EVENTS, about, named_by, sentence

MOST, MOST_SENT = 500, 20


@dataclass(frozen=True, slots=True)
class Page:
    """All that is shown; `names` are slugs of watches by id, `asked` the item looked for.

    `fault` is why nothing can be told of that item, `offered` are the slugs to choose from,
    `kept` the files that things are kept in.
    """

    channels: Sequence[ChannelRow]
    rules: Sequence[Rule]
    windows: Sequence[tuple[Maintenance, datetime | None]]
    names: Mapping[str, str]
    asked: str
    hearers: Mapping[Event, Sequence[Hearer]]
    fault: str
    offered: Sequence[str]
    kept: Mapping[Thing, str]

    def channel(self, channel_id: str) -> str:
        """Return the name of a channel."""
        return next((one.name for one in self.channels if one.id == channel_id), "a channel")

    def sentence(self, rule: Rule) -> str:
        """Return a rule in words."""
        then = [
            f"{self.channel(step.channel_id)} besides, if nobody acknowledges within "
            f"{span(step.after_s)}"
            for step in rule.escalations
        ]
        return "; ".join([sentence(rule, self.names), *then])

    @property
    def said_again(self) -> set[str]:
        """The rules of which another says the same."""
        return said_again(self.rules)

    def about(self, one: Maintenance) -> str:
        """Return which items a window is for."""
        return about(one.scope, self.names)


async def show(visit: Visit) -> Response:
    """Show channels, rules, windows, and who would be told of one item."""
    page = await seen(visit)
    sent = await visit.see(lambda tx: _sent(tx, visit.workspace_id))
    kinds = {kind: channel.label for kind, channel in CHANNELS.items()}
    return rendered(
        visit, "alerts.html", 404 if page.fault else 200, page=page, kinds=kinds, words=EVENTS,
        where=where, sent=sent,
    )  # fmt: skip


async def seen(visit: Visit) -> Page:
    """Return all that is shown."""
    require(visit.caller, "channels.list")
    asked = (visit.query.get("item") or visit.form.get("item", "")).strip()[:64]
    return await visit.see(lambda tx: _page(tx, visit, asked))


async def rehearse(visit: Visit) -> Response:
    """Send what a miss of an item would, marked as a rehearsal."""
    item, own = visit.form.get("item", "").strip()[:64], visit.workspace_id
    sent = await visit.carry_out(
        "channels.test", item, lambda tx: rehearsal.rehearse(tx, own, item, visit.at)
    )
    return rendered(visit, "rehearsal.html", item=item, sent=sent)


def _page(tx: Tx, visit: Visit, asked: str) -> Page:
    workspace_id = visit.workspace_id
    own = [rule for rule, _ in rules.rule_page(tx, workspace_id, MOST, "")]
    windows = maintenance.page(tx, workspace_id)
    ids = named_by([*(rule.scope for rule in own), *(one.scope for one in windows)])
    hearers, fault = _hearers(tx, visit, asked)
    return Page(
        channels.channel_page(tx, workspace_id, MOST, ""),
        own,
        [(one, one.open_until(visit.at)) for one in windows],
        watches.slugs_of(tx, workspace_id, ids),
        asked,
        hearers,
        fault,
        watches.slugs(tx, workspace_id, MOST),
        manifests.kept_things(tx, workspace_id),
    )


def _sent(tx: Tx, workspace_id: int) -> list[tuple[Delivery, str, Receipt | None]]:
    """Return the last messages, each with its subject and what was answered last; what was told
    with others is told by their message."""
    found = lists.delivery_page(tx, workspace_id, MOST_SENT, "", {"bundle_id": None})
    receipts = lists.last_receipts(tx, workspace_id, found)
    return [(one, subject(message_of(one, "", "")), receipts.get(one.id)) for one in found]


def _hearers(tx: Tx, visit: Visit, asked: str) -> tuple[Mapping[Event, Sequence[Hearer]], str]:
    """Return who would be told of an item, or why that cannot be said."""
    if not asked:
        return {}, ""
    try:
        return audience.of_watch(tx, visit.workspace_id, asked, visit.at), ""
    except Problem as problem:
        if problem.kind != "not_found":
            raise
        return {}, problem.message
