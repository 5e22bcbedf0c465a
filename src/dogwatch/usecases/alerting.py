"""Alerting: what flips mean to people. Every flip that a rule sends anywhere leaves a delivery:
on its way, held, or suppressed, with the reason."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, groupby
from typing import Self

from dogwatch.core.alerts import Event, Rule, event_of
from dogwatch.core.decision import Fate, Held, Suppress, superseded
from dogwatch.core.dependencies import below
from dogwatch.store import flips, held, workspaces
from dogwatch.store.deliveries import Delivery
from dogwatch.store.flips import FlipRow, Last
from dogwatch.store.held import Brief
from dogwatch.store.tx import Tx
from dogwatch.usecases import incidents
from dogwatch.usecases.facts import Turn, facts_of
from dogwatch.usecases.holding import fate_of, place, ruled, told_why, wake_held
from dogwatch.usecases.incidents import Belonging
from dogwatch.usecases.scene import Matter, Scene

NO_INCIDENT = Belonging(None, None)
# So many flips are looked at for the beginning of a trouble.
LOOKED_AT = 50
_WELL = frozenset({"new", "up"})


def tell(tx: Tx, turns: Sequence[Turn], at: datetime) -> None:
    """Decide what is told of flips that have just been written, of any workspaces."""
    ordered = sorted(turns, key=_workspace_id)
    for workspace_id, own in groupby(ordered, _workspace_id):
        mattering = [turn for turn in own if _matters(turn)]
        if mattering:
            _tell_workspace(tx, workspace_id, mattering, at)


def _workspace_id(turn: Turn) -> int:
    return turn.flip.workspace_id


def _matters(turn: Turn) -> bool:
    """Whether it says something to people, or ends something that was said."""
    return turn.flip.from_status in {"down", "degraded"} or _event(turn) is not None


def _event(turn: Turn) -> Event | None:
    return event_of(turn.flip.from_status, turn.flip.to_status)


def _tell_workspace(tx: Tx, workspace_id: int, turns: Sequence[Turn], at: datetime) -> None:
    # One at a time, so that nobody decides on what another is about to change.
    workspaces.get(tx, workspace_id, lock=True)
    belongings = incidents.follow(tx, workspace_id, turns, at)
    scene = Scene.of(tx, workspace_id, at)
    ledger = _Ledger.of(tx, workspace_id, turns)
    for turn in turns:
        belonging = belongings.get(turn.flip.id, NO_INCIDENT)
        ledger.made[turn.flip.id] = _made(tx, turn, scene, ledger, belonging)
    placed = place(tx, scene, [one for own in ledger.made.values() for one in own.values()])
    held.suppress(tx, workspace_id, ledger.gone, at)
    incidents.arm(tx, scene, placed)
    _wake_below(tx, scene, turns)


def _made(
    tx: Tx, turn: Turn, scene: Scene, ledger: "_Ledger", belonging: Belonging
) -> dict[str, Delivery]:
    """Return a delivery for every channel that a rule sends the flip to, by channel."""
    event = _event(turn)
    wanted = scene.wanted(turn.record, event) if event else {}
    beside = _escalated(wanted) if event is Event.RECOVERED else {}
    fates = ledger.fates(tx, turn, [*wanted, *beside], scene.at)
    wanted |= {one: rules for one, rules in beside.items() if fates.get(one) is Fate.TOLD}
    if event is None or not wanted:
        return {}
    message = facts_of(tx, turn, event, scene.others_down)
    matter = Matter(
        turn.record, event, turn.flip.at,
        snoozed_until_at=belonging.snoozed_until_at, ends=ledger.ends(turn),
    )  # fmt: skip
    made = {}
    for channel_id, candidates in wanted.items():
        decision, rule = scene.decided(matter, candidates, fates.get(channel_id, Fate.NONE))
        new = Delivery(
            scene.workspace_id, "", turn.flip.id, turn.record.id, channel_id, str(event), message,
            scene.at, rule_id=rule.id, incident_id=belonging.incident_id,
        )  # fmt: skip
        made[channel_id] = ruled(new, decision, scene.at)
    return made


def _escalated(wanted: Mapping[str, Sequence[Rule]]) -> dict[str, list[Rule]]:
    """Return the channels to which rules would escalate, and that none sends the event to."""
    found: dict[str, list[Rule]] = {}
    for rule in chain.from_iterable(wanted.values()):
        for escalation in rule.escalations:
            if escalation.channel_id not in wanted:
                found.setdefault(escalation.channel_id, []).append(rule)
    return found


@dataclass(frozen=True, slots=True)
class _Ledger:
    """What was made of the flip before each flip: `stored` of earlier ones, `made` of these.

    `gone` are the stored ones that give way by now, with the reason; `again` the channels that
    incidents were said to again.
    """

    before: Mapping[str, Last]
    stored: Mapping[str, Sequence[Brief]]
    made: dict[str, dict[str, Delivery]]
    gone: dict[str, str]
    again: dict[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, tx: Tx, workspace_id: int, turns: Sequence[Turn]) -> Self:
        """Look up the flips before these; a watch may have several among them, in order."""
        ids = {turn.flip.id for turn in turns}
        latest = flips.before(tx, workspace_id, {turn.record.id for turn in turns}, ids)
        before: dict[str, Last] = {}
        for turn in turns:
            flip, known = turn.flip, latest.get(turn.record.id)
            if known and known.to_status == flip.from_status:
                before[flip.id] = known
            latest[turn.record.id] = Last(flip.id, flip.from_status, flip.to_status)
        stored = {known.id for known in before.values()} - ids
        return cls(before, held.of_flips(tx, workspace_id, stored), {}, {})

    def fates(self, tx: Tx, turn: Turn, wanted: Collection[str], at: datetime) -> dict[str, Fate]:
        """Return what became of the alert before this flip, by channel; what is held gives way.

        Where one of the `wanted` was not told of what a recovery ends, it is looked whether it was
        before or by other ways.
        """
        before, by = self.before.get(turn.flip.id), _event(turn)
        flip_id, fates = before.id if before else "", dict[str, Fate]()
        for one in self.stored.get(flip_id, ()):
            fates[one.channel_id] = closed_by(one.event, fate_of(one.state, one.hold))
            if fate_of(one.state, one.hold) is Fate.HELD:
                self.gone[one.id] = told_why(superseded(Event(one.event), by), one.reason)
        for channel_id, made in self.made.get(flip_id, {}).items():
            fate = fate_of(made.state, made.hold)
            fates[channel_id] = closed_by(made.event, fate)
            if fate is Fate.HELD:
                why = Suppress(superseded(Event(made.event), by))
                self.made[flip_id][channel_id] = ruled(made, why, at)
        if by is Event.RECOVERED and any(fates.get(one) is not Fate.TOLD for one in wanted):
            fates |= dict.fromkeys(self._waiting(tx, turn), Fate.TOLD)
        return fates

    def ends(self, turn: Turn) -> Event | None:
        """Return what the flip before this one meant, None if it is not known."""
        before = self.before.get(turn.flip.id)
        return event_of(before.from_status, before.to_status) if before else None

    def _waiting(self, tx: Tx, turn: Turn) -> set[str]:
        """Return the channels that were told of a trouble, and of no end of it.

        They heard of it as it began, before it got worse or was paused, or as it was said again.
        """
        alerts = [
            one for one in self._alerts(tx, turn.flip)
            if fate_of(one.state, one.hold) is Fate.TOLD
        ]  # fmt: skip
        last = {one.channel_id: one.event for one in alerts}
        shared = {one.incident_id for one in alerts if one.incident_id}
        for incident_id in shared - self.again.keys():
            self.again[incident_id] = held.said_again(tx, turn.flip.workspace_id, incident_id)
        told = set(last).union(*(self.again[incident_id] for incident_id in shared))
        return {channel_id for channel_id in told if last.get(channel_id) != Event.RECOVERED}

    def _alerts(self, tx: Tx, flip: FlipRow) -> Iterator[Brief | Delivery]:
        """Yield what was made of the flips before this one since all was well, oldest first."""
        before, stored = self.before.get(flip.id), self.stored
        flip_ids = [before.id] if before else []
        if before and before.from_status not in _WELL:
            flip_ids = _since_well(tx, flip)
            stored = held.of_flips(tx, flip.workspace_id, flip_ids)
        for flip_id in flip_ids:
            yield from self.made.get(flip_id, {}).values()
            yield from stored.get(flip_id, ())


def _since_well(tx: Tx, flip: FlipRow) -> list[str]:
    """Return the flips of a watch before this one, back to where all was well, oldest first."""
    seen = flips.listed(tx, flip.workspace_id, LOOKED_AT, flip.id, watch_id=flip.watch_id)
    first = next((place for place, one in enumerate(seen) if one.from_status in _WELL), len(seen))
    return [one.id for one in reversed(seen[: first + 1])]


def closed_by(event: str, fate: Fate) -> Fate:
    """Return the fate that counts for what closes it: of a recovery that is held, none.

    It was not said yet, but what it ended was.
    """
    return Fate.TOLD if event == Event.RECOVERED and fate is Fate.HELD else fate


def _wake_below(tx: Tx, scene: Scene, turns: Sequence[Turn]) -> None:
    """Have held alerts of what depends on these looked at now, if these are no longer down."""
    ended = [turn.record.id for turn in turns if turn.flip.from_status == "down"]
    children = below(scene.graph, ended) if scene.graph and ended else set()
    if children:
        wake_held(tx, scene.workspace_id, Held.PARENT, scene.at, children)
