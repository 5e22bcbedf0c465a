"""The audience of a watch: who would be told if something happened to it now, and when."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from dogwatch.core.alerts import Event, Rule
from dogwatch.core.decision import Decision, Fate, Hold, Send, Suppress
from dogwatch.store import channels, rules
from dogwatch.store.tx import Tx
from dogwatch.usecases.scene import Matter, Scene
from dogwatch.usecases.watches import find

EVENTS = (Event.DOWN, Event.LATE, Event.DEGRADED, Event.RECOVERED)
MOST = 500


@dataclass(frozen=True, slots=True)
class Hearer:
    """A channel that would be told: `off` is why it would not be, though a rule says so."""

    channel: str
    decision: Decision
    rule: Rule
    window_s: int
    off: str

    @property
    def words(self) -> str:
        """When, or why not."""
        if self.off:
            return f"not told: the channel is off ({self.off})"
        match self.decision:
            case Suppress(because=because):
                return f"not told: {because}"
            case Hold(until_at=until_at, because=because):
                return f"told at {until_at:%Y-%m-%d %H:%M} UTC: {because}"
            case Send():
                together = f", {self.window_s} s later with what else happens" * bool(self.window_s)
                return f"told at once{together}"


def of_watch(tx: Tx, workspace_id: int, name: str, at: datetime) -> dict[Event, Sequence[Hearer]]:
    """Return who would be told of each event of a watch that happened now."""
    watch = find(tx, workspace_id, name)
    scene = Scene.of(tx, workspace_id, at)
    rows = {one.id: one for one in channels.listed(tx, workspace_id, MOST, "")}
    found: dict[Event, Sequence[Hearer]] = {}
    for event in EVENTS:
        before = Fate.TOLD if event is Event.RECOVERED else Fate.NONE
        matter = Matter(watch, event, at)
        found[event] = [
            Hearer(row.name, *scene.decided(matter, own, before),
                   scene.group_windows_s.get(channel_id, 0), row.disabled_reason or "")
            for channel_id, own in scene.wanted(watch, event).items()
            if (row := rows.get(channel_id))
        ]  # fmt: skip
    return found


def users_of(tx: Tx, workspace_id: int, channel_id: str) -> list[Rule]:
    """Return the rules that tell a channel, first or by escalation."""
    return [rule for rule in rules.of_workspace(tx, workspace_id) if channel_id in _told(rule)]


def _told(rule: Rule) -> Iterator[str]:
    yield rule.channel_id
    for step in rule.escalations:
        yield step.channel_id
