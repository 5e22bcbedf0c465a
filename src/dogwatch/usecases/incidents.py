"""Incidents: opened and closed by flips, followed up until somebody acknowledges."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from dogwatch.core.alerts import Escalation, Event, Rule
from dogwatch.core.incident import JOIN, MAX_SNOOZE_S, FollowUp, Plan, Told, plan
from dogwatch.core.lengths import words_of
from dogwatch.core.plain import one_line, whole_number
from dogwatch.core.problems import Problem, invalid
from dogwatch.ids import new_id
from dogwatch.store import held, incidents, rules, timers, watches, workspaces
from dogwatch.store.deliveries import Delivery
from dogwatch.store.held import Telling
from dogwatch.store.incidents import Incident, Member, Note
from dogwatch.store.timers import Timer
from dogwatch.store.tx import Tx
from dogwatch.usecases import notices
from dogwatch.usecases.facts import Turn, down_beside
from dogwatch.usecases.holding import place
from dogwatch.usecases.scene import Scene

__all__ = ["Incident", "Member", "Note"]

US = "Dogwatch"
MAX_NAME = 200
# So many parts of an incident are looked at for a reminder.
LOOKED_AT = 500
BREATH = timedelta(seconds=1)
# All that is down is under maintenance: it is looked at again then.
SILENT_PAUSE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Belonging:
    """The incident that a flip belongs to, and until when its watch is snoozed."""

    incident_id: str | None
    snoozed_until_at: datetime | None = None


# --- what flips do -----------------------------------------------------------------------------


def follow(
    tx: Tx, workspace_id: int, turns: Sequence[Turn], at: datetime
) -> Mapping[str, Belonging]:
    """Open, join and close the incidents of a locked workspace; return where flips belong."""
    opening = [turn.record.id for turn in turns if turn.flip.to_status == "down"]
    ending = [turn.record.id for turn in turns if turn.flip.from_status == "down"]
    if not opening and not ending:
        return {}
    book = _Book(
        workspace_id,
        at,
        incidents.joinable(tx, workspace_id, at - JOIN) if opening else {},
        incidents.going_on(tx, workspace_id, {*opening, *ending}),
        incidents.snoozed(tx, workspace_id, opening, at) if opening else {},
        incidents.next_number(tx, workspace_id) if opening else 0,
    )
    belongings = {turn.flip.id: book.belonging(turn) for turn in turns}
    book.write(tx)
    return belongings


@dataclass(slots=True)
class _Book:
    """The incidents of a workspace while flips are entered, one after the other."""

    workspace_id: int
    at: datetime
    joinable: dict[str, Incident]
    going: dict[str, Member]
    snoozed: Mapping[str, datetime]
    number: int
    opened: dict[str, Incident] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    ended: dict[str, datetime] = field(default_factory=dict)
    touched: dict[str, str] = field(default_factory=dict)
    joined: set[str] = field(default_factory=set)

    def belonging(self, turn: Turn) -> Belonging:
        """Enter one flip and return where it belongs."""
        watch_id = turn.record.id
        if turn.flip.to_status == "down":
            return self._join(turn, self._incident_for(turn.record.project or ""))
        member = self.going.pop(watch_id, None)
        if turn.flip.from_status != "down" or member is None:
            return Belonging(None)
        if member.flip_id in self.members:
            self.members[member.flip_id] = replace(member, ended_at=turn.flip.at)
        else:
            self.ended[watch_id] = turn.flip.at
        ended_by = "pause" if turn.flip.to_status == "paused" else "recovery"
        self.touched[member.incident_id] = ended_by
        return Belonging(member.incident_id)

    def _join(self, turn: Turn, incident: Incident) -> Belonging:
        watch_id, flip = turn.record.id, turn.flip
        slot_at = turn.before.slot_at
        expected_at = slot_at if slot_at and slot_at <= flip.at and not turn.run_id else None
        member = Member(
            self.workspace_id, incident.id, flip.id, watch_id, flip.at, expected_at=expected_at
        )
        self.members[flip.id] = self.going[watch_id] = member
        self.joined.add(incident.id)
        return Belonging(incident.id, self.snoozed.get(watch_id))

    def _incident_for(self, project: str) -> Incident:
        if project not in self.joinable:
            made = Incident(
                self.workspace_id, new_id(self.at), self.number, project, self.at, self.at
            )
            self.number += 1
            self.opened[made.id] = self.joinable[project] = made
        return self.joinable[project]

    def write(self, tx: Tx) -> None:
        """Write what was entered, and close what is over by now."""
        for incident in self.opened.values():
            incidents.add(tx, incident)
        incidents.end(tx, self.ended, self.workspace_id)  # before new parts of the same watches
        incidents.join(tx, list(self.members.values()))
        for incident_id in sorted(self.joined - self.opened.keys()):
            incidents.change(tx, self.workspace_id, incident_id, joined_at=self.at)
        close_over(tx, self.workspace_id, self.touched, self.at)


def close_over(tx: Tx, workspace_id: int, touched: Mapping[str, str], at: datetime) -> None:
    """Close those incidents of which nothing goes on, each by what ended its last part."""
    for incident_id in incidents.over(tx, workspace_id, list(touched)):
        _close(tx, workspace_id, incident_id, touched[incident_id], at)


def _close(tx: Tx, workspace_id: int, incident_id: str, by: str, at: datetime) -> None:
    incidents.change(tx, workspace_id, incident_id, closed_at=at, closed_by=by)
    timers.stop(tx, workspace_id, "incident", incident_id)


def forget_watch(tx: Tx, workspace_id: int, watch_id: str) -> None:
    """Take a watch that is removed out of its incidents; those of it alone are gone with it."""
    workspaces.get(tx, workspace_id, lock=True)
    left = incidents.remove_of_watch(tx, workspace_id, watch_id)
    shared = incidents.counts(tx, workspace_id, left)
    for incident_id in left:
        if incident_id not in shared:
            timers.stop(tx, workspace_id, "incident", incident_id)
            incidents.remove(tx, workspace_id, incident_id)
    for incident_id in incidents.over(tx, workspace_id, list(shared)):
        ended_at = incidents.last_end(tx, workspace_id, incident_id)
        _close(tx, workspace_id, incident_id, "removal of a watch", ended_at)


# --- follow-ups --------------------------------------------------------------------------------


def arm(tx: Tx, scene: Scene, placed: Sequence[Delivery]) -> None:
    """Have the incidents looked at that somebody is told of by rules with more to say."""
    following = {
        rule.id for own in scene.rules.by_scope.values() for rule in own if rule.follows_up
    }
    wanted = {one.incident_id for one in placed if one.rule_id in following and one.incident_id}
    due = [Timer(scene.workspace_id, "incident", one, scene.at) for one in sorted(wanted)]
    timers.arm(tx, due)


def follow_again(tx: Tx, at: datetime) -> None:
    """Have every open incident looked at again, once all timers are gone.

    First at the end of its snooze, else after as long as the most eager rule that told of it waits
    before it says more: by then, what was down may have been heard.
    """
    for incident in incidents.unseen(tx):
        by_id = {rule.id: rule for rule in rules.of_workspace(tx, incident.workspace_id)}
        waits_s = [one for told in _told(tx, incident, by_id) for one in told.rule.waits_s]
        first_at = at + timedelta(seconds=min(waits_s, default=0))
        _look_again(tx, incident, incident.snoozing_until_at(at) or first_at)


def follow_up(tx: Tx, scene: Scene, incident_id: str) -> None:
    """Say again what is due of an incident, and set its timer for what comes next."""
    incident = incidents.by_id(tx, scene.workspace_id, incident_id)
    if incident is None or incident.state != "open":
        return
    planned = _plan(tx, scene, incident)
    if planned.now:
        if not _say(tx, scene, incident, planned.now):
            _look_again(tx, incident, scene.at + SILENT_PAUSE)
            return
        planned = _plan(tx, scene, incident)
    if planned.next_at:
        _look_again(tx, incident, max(planned.next_at, scene.at + BREATH))


def _look_again(tx: Tx, incident: Incident, at: datetime) -> None:
    timers.arm(tx, [Timer(incident.workspace_id, "incident", incident.id, at)])


def _plan(tx: Tx, scene: Scene, incident: Incident) -> Plan:
    told = _told(tx, incident, _rules(scene))
    return plan(told, incident.snoozed_until_at, scene.at)


def _rules(scene: Scene) -> dict[str, Rule]:
    """Return the rules by id, without escalations to channels that are gone."""
    return {
        rule.id: replace(rule, escalations=tuple(_reachable(rule, scene)))
        for own in scene.rules.by_scope.values()
        for rule in own
    }


def _reachable(rule: Rule, scene: Scene) -> Iterator[Escalation]:
    return (step for step in rule.escalations if step.channel_id in scene.group_windows_s)


def _told(tx: Tx, incident: Incident, by_id: Mapping[str, Rule]) -> list[Told]:
    """Return what each rule told of an incident, its escalations apart."""
    found: dict[str, list[Telling]] = {}
    for telling in held.tellings(tx, incident.workspace_id, incident.id):
        if telling.rule_id in by_id:
            found.setdefault(telling.rule_id, []).append(telling)
    told = []
    for rule_id, tellings in found.items():
        rule = by_id[rule_id]
        own = [one for one in tellings if one.channel_id == rule.channel_id]
        others = frozenset(one.channel_id for one in tellings if one.channel_id != rule.channel_id)
        if own:
            told.append(Told(rule, own[0].first_at, own[0].last_at, others))
    return told


def _say(tx: Tx, scene: Scene, incident: Incident, due: Sequence[FollowUp]) -> bool:
    """Make the deliveries of follow-ups: the facts of all that is still down, if anything is.

    Where a message is about one watch, there is one for each.
    """
    (_, going) = incidents.counts(tx, scene.workspace_id, [incident.id])[incident.id]
    apart = any(one.channel_id in scene.of_one for one in due)
    loud = _loud(tx, scene, incident, going if apart else LOOKED_AT)
    if not loud:
        return False
    count = going if going > LOOKED_AT and not apart else len(loud)
    named = loud[: notices.MOST_ITEMS]
    beside = down_beside(tx, scene.workspace_id, named, count)
    message = notices.group_of(named, count, incident.id, beside)
    watch_id = loud[0].watch_id if count == 1 else None
    said = []
    for one in due:
        each = [(part.message, part.watch_id) for part in loud]
        told = each if one.channel_id in scene.of_one else [(message, watch_id)]
        placed = place(tx, scene, [_repeat(one, incident, *of, scene) for of in told])
        said += [_said(incident, one, new, scene.at) for new in placed]
    incidents.note(tx, *said)
    return True


def _said(incident: Incident, due: FollowUp, placed: Delivery, at: datetime) -> Note:
    return Note(incident.workspace_id, incident.id, at, due.kind, US, f"delivery {placed.id}")


def _repeat(
    due: FollowUp, incident: Incident, message: dict[str, Any], watch_id: str | None, scene: Scene
) -> Delivery:
    return Delivery(
        workspace_id=scene.workspace_id,
        id="",
        flip_id=None,
        watch_id=watch_id,
        channel_id=due.channel_id,
        event=str(Event.DOWN),
        message=message,
        created_at=scene.at,
        due_at=scene.at,
        rule_id=due.rule_id,
        incident_id=incident.id,
    )


def _loud(tx: Tx, scene: Scene, incident: Incident, most: int) -> list[Delivery]:
    """Return an alert of each part that goes on, was told, and is in no maintenance."""
    parts = incidents.members(tx, scene.workspace_id, incident.id, most, going_on=True)
    return [
        one
        for first in range(0, len(parts), LOOKED_AT)
        for one in _loud_of(tx, scene, incident, parts[first : first + LOOKED_AT])
    ]


def _loud_of(
    tx: Tx, scene: Scene, incident: Incident, parts: Sequence[Member]
) -> Iterable[Delivery]:
    known = watches.look(tx, scene.workspace_id, [one.watch_id for one in parts])
    loud = {
        one.flip_id
        for one in parts
        if (watch := known.get(one.watch_id)) and not scene.maintained(watch)
    }
    told: dict[str | None, Delivery] = {}
    for one in held.let_go(tx, scene.workspace_id, incident.id, loud):
        told.setdefault(one.flip_id, one)
    return told.values()


# --- what people do ----------------------------------------------------------------------------


def find(tx: Tx, workspace_id: int, name: str) -> Incident:
    """Return the incident with this id or number, or raise not_found."""
    found = incidents.by_id(tx, workspace_id, name)
    if found is None and (number := whole_number(name, 9)) is not None:
        found = incidents.by_number(tx, workspace_id, number)
    if found is None:
        raise Problem("not_found", f"there is no incident {name!r}")
    return found


def _open(tx: Tx, workspace_id: int, name: str) -> Incident:
    """Return an incident of a workspace that is locked by now; a closed one is a conflict."""
    workspaces.get(tx, workspace_id, lock=True)
    incident = find(tx, workspace_id, name)
    if incident.closed_at:
        raise Problem("conflict", f"incident {incident.number} is closed")
    return incident


def acknowledge(
    tx: Tx, workspace_id: int, name: str, by: str, at: datetime, link: str | None = None
) -> Incident:
    """Note that somebody looks after it: nothing is said again, and nobody else is called.

    Who acknowledges first counts; later ones change nothing, though a link is used up by it.
    """
    incident = _open(tx, workspace_id, name)
    who = one_line(by, MAX_NAME) or "somebody"
    first = incident.acked_at is None
    if first or link:
        kind = "acknowledged" if first else "link used"
        incidents.note(tx, Note(workspace_id, incident.id, at, kind, who, link=link))
    if first:
        incidents.change(tx, workspace_id, incident.id, acked_at=at, acked_by=who)
        timers.stop(tx, workspace_id, "incident", incident.id)
    return find(tx, workspace_id, incident.id)


def snooze(
    tx: Tx,
    workspace_id: int,
    name: str,
    by: str,
    for_s: int,
    at: datetime,
    link: str | None = None,
) -> Incident:
    """Say nothing of it for a while; then remind everybody who was told, if it is still on.

    It takes back an acknowledgement: a snooze asks to be called again.
    """
    if not 1 <= for_s <= MAX_SNOOZE_S:
        raise invalid("for_s", f"give 1 to {MAX_SNOOZE_S} seconds")
    incident = _open(tx, workspace_id, name)
    until_at = at + timedelta(seconds=for_s)
    detail = f"for {words_of(for_s)}"
    who = one_line(by, MAX_NAME)
    note = Note(workspace_id, incident.id, at, "snoozed", who, detail, link=link)
    incidents.note(tx, note)
    incidents.change(
        tx, workspace_id, incident.id, snoozed_until_at=until_at, acked_at=None, acked_by=None
    )
    _look_again(tx, incident, until_at)
    return find(tx, workspace_id, incident.id)


def close(tx: Tx, workspace_id: int, name: str, by: str, at: datetime) -> Incident:
    """End it by hand: nothing more is said of it but the recovery of what is still down."""
    incident = _open(tx, workspace_id, name)
    who = one_line(by, MAX_NAME)
    incidents.note(tx, Note(workspace_id, incident.id, at, "closed", who))
    _close(tx, workspace_id, incident.id, who, at)
    return find(tx, workspace_id, incident.id)
