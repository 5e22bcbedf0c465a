"""CronBeats' integrations as ours: each type is one channel of the workspace, with one rule.

Which channel a type is, and whether it is to tell of what is down and of what recovers, is kept in
the settings of the dialect; a channel that was deleted elsewhere is not configured any more.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from dogwatch.core.alerts import Event, Rule, Scope
from dogwatch.core.problems import Problem, refuse
from dogwatch.usecases import channels, dialect_settings, rules
from dogwatch.usecases.channels import ChannelRow
from dogwatch.usecases.door import Tx
from dogwatch.vault import Vault
from dogwatch.web.api.masks import MASK
from dogwatch.web.dialects.cronbeats.integrations_wire import (
    CONFIGS,
    AlertRules,
    Integration,
    settings_of,
)

DIALECT = "cronbeats"
MOST_RULES = 10_000


@dataclass(frozen=True, slots=True)
class Shelf:
    """The integrations of a workspace, at a time; `said` is what the dialect has settings for."""

    tx: Tx
    workspace_id: int
    vault: Vault
    at: datetime
    said: Mapping[str, Any]

    @property
    def alert_rules(self) -> AlertRules:
        """What is told of."""
        return AlertRules.model_validate(self.said.get("alert_rules", {}))

    def channel(self, kind: str) -> ChannelRow | None:
        """Return the channel of a type, if there is one."""
        channel_id = self.said.get("channels", {}).get(kind)
        with suppress(Problem):
            if channel_id:
                return channels.channel_by_id(self.tx, self.workspace_id, channel_id)
        return None

    def shown(self, kind: str) -> Integration:
        """Return an integration; what is secret of it is masked."""
        channel = self.channel(kind)
        stored = channels.unsealed(self.vault, channel) if channel else {}
        return Integration(
            type=kind,
            is_enabled=channel is not None and channel.disabled_reason is None,
            is_configured=channel is not None,
            config=CONFIGS[kind].masked(stored),
        )

    def configure(self, kind: str, sent: Mapping[str, Any]) -> "Shelf":
        """Change an integration; what was not sent, or as its mask, stays, and "" clears it.

        What is not enough to send by is refused: it would be kept nowhere.
        """
        channel = self.channel(kind)
        enabled = sent.get("is_enabled", channel is None or channel.disabled_reason is None)
        given = {name: value for name, value in sent.items() if name != "is_enabled"}
        stored = CONFIGS[kind].plain(channels.unsealed(self.vault, channel)) if channel else {}
        config = stored | {name: value for name, value in given.items() if value != MASK}
        if lacks := CONFIGS[kind].lacks(config):
            if any(given.values()) and "" not in map(given.get, lacks):
                refuse(dict.fromkeys(lacks, "is required"))
            return self._cleared(kind, channel) if channel and given else self
        public, secret = settings_of(kind, config)
        if channel is None:
            channel = channels.add_channel(
                self.tx, self.workspace_id, f"CronBeats: {kind}", kind, public, secret,
                self.vault, self.at,
            )  # fmt: skip
        channels.change_channel(
            self.tx, channel, self.vault, public=public, secret=secret, enabled=enabled
        )
        shelf = self._with(channels={**self.said.get("channels", {}), kind: channel.id})
        shelf._rule(channel)
        return shelf

    def _cleared(self, kind: str, channel: ChannelRow) -> "Shelf":
        channels.remove_channel(self.tx, self.workspace_id, channel.id)
        kept = {name: own for name, own in self.said.get("channels", {}).items() if name != kind}
        return self._with(channels=kept)

    def tell_of(self, changes: Mapping[str, bool]) -> "Shelf":
        """Change what is told of, by all integrations."""
        shelf = self._with(alert_rules={**self.alert_rules.model_dump(), **changes})
        for channel in filter(None, map(shelf.channel, CONFIGS)):
            shelf._rule(channel)
        return shelf

    def _with(self, **said: Any) -> "Shelf":
        shelf = replace(self, said={**self.said, **said})
        dialect_settings.put(self.tx, self.workspace_id, DIALECT, shelf.said)
        return shelf

    def _rule(self, channel: ChannelRow) -> None:
        """Have the rule of a channel for all watches say what is told of."""
        wanted, everything = self.alert_rules, Scope()
        asked = {Event.DOWN: wanted.alert_on_down, Event.RECOVERED: wanted.alert_on_recovery}
        events = frozenset(event for event, on in asked.items() if on)
        listed = rules.rule_page(self.tx, self.workspace_id, MOST_RULES, "")
        own = [
            rule for rule, _ in listed if (rule.channel_id, rule.scope) == (channel.id, everything)
        ]
        place = self.tx, self.workspace_id
        for rule in own:
            if not events:
                rules.remove_rule(*place, rule.id, self.at)
            elif rule.events != events:
                rules.change_rule(*place, replace(rule, events=events), self.at)
        if events and not own:
            rules.add_rule(*place, Rule("", channel.id, events=events), self.at)


def shelf_of(tx: Tx, workspace_id: int, vault: Vault, at: datetime, *, lock: bool = False) -> Shelf:
    """Return the integrations of a workspace."""
    said = dialect_settings.get(tx, workspace_id, DIALECT, lock=lock)
    return Shelf(tx, workspace_id, vault, at, said)
