"""Rules on the page of alerts: which events of which items go where, and when."""

from collections.abc import Mapping
from dataclasses import replace

from fastapi import Response

from dogwatch.core.alerts import Escalation, Event, Rule, Scope
from dogwatch.core.lengths import words_of
from dogwatch.core.problems import Problem, invalid
from dogwatch.core.schedule.spans import zone_names
from dogwatch.core.windows import Digest, Quiet, clock_time
from dogwatch.usecases import channels, rules, watches
from dogwatch.usecases.callers import require
from dogwatch.usecases.door import Tx
from dogwatch.web.dashboard.fields import parts, seconds, ticked, zone
from dogwatch.web.dashboard.pages import moved, rendered
from dogwatch.web.dashboard.visit import Visit
from dogwatch.web.dashboard.words import EVENTS as WORDS

EVENTS = (Event.DOWN, Event.RECOVERED, Event.DEGRADED, Event.LATE)
USUAL = (Event.DOWN, Event.RECOVERED)
MINUTE_S = 60
MOST_DELAY_S, MOST_REPEAT_S = 86_400, 7 * 86_400
MOST_VALUES = 100
CHANNELS_SHOWN = 500


async def show_new(visit: Visit) -> Response:
    """Show the form."""
    require(visit.caller, "rules.make")
    usual = {f"event_{one}": "1" for one in USUAL} if not visit.form else {}
    return await _shown(visit, {"timezone": visit.zone_name} | usual | dict(visit.form))


async def show_edit(visit: Visit) -> Response:
    """Show the form of a rule that is there."""
    require(visit.caller, "rules.change")
    rule, names = await visit.see(lambda tx: _found(tx, visit))
    return await _shown(visit, dict(visit.form) or _values(rule, names, visit.zone_name), rule)


async def _shown(visit: Visit, values: Mapping[str, str], rule: Rule | None = None) -> Response:
    found = await visit.see(
        lambda tx: channels.channel_page(tx, visit.workspace_id, CHANNELS_SHOWN, "")
    )
    return rendered(
        visit, "rule.html", channels=found, events=EVENTS, zones=sorted(zone_names()), words=WORDS,
        values=values, rule=rule, others=[("", "nobody"), *((one.id, one.name) for one in found)],
    )  # fmt: skip


def _found(tx: Tx, visit: Visit) -> tuple[Rule, Mapping[str, str]]:
    """Return a rule with the slugs of the items it names."""
    rule, _ = rules.rule_by_id(tx, visit.workspace_id, visit.name)
    ids = rule.scope.values if rule.scope.kind == "watches" else ()
    return rule, watches.slugs_of(tx, visit.workspace_id, ids)


async def make(visit: Visit) -> Response:
    """Make a rule."""
    require(visit.caller, "rules.make")
    asked = _rule(visit)

    def made(tx: Tx) -> Rule:
        return rules.add_rule(tx, visit.workspace_id, asked, visit.at)

    await visit.carry_out("rules.make", asked.channel_id[:26], made)
    return moved(visit, "alerts")


async def change(visit: Visit) -> Response:
    """Change a rule; what the form does not show stays."""
    require(visit.caller, "rules.change")

    def changed(tx: Tx) -> Rule:
        rule, _ = _found(tx, visit)
        asked = replace(_rule(visit), id=rule.id)
        if "escalate_to" not in visit.form:
            asked = replace(asked, escalations=rule.escalations)
        return rules.change_rule(tx, visit.workspace_id, asked, visit.at)

    await visit.carry_out("rules.change", visit.name, changed)
    return moved(visit, "alerts")


def _values(rule: Rule, names: Mapping[str, str], zone: str) -> dict[str, str]:
    """Return a rule as the form shows it; `zone` is that of the browser."""
    quiet, digest = rule.quiet, rule.digest
    clock, step = quiet or digest, next(iter(rule.escalations), None)
    events = {Event.DEGRADED if one is Event.SLOW else one for one in rule.events}
    return {
        "channel_id": rule.channel_id,
        **{f"event_{one}": "1" for one in events},
        "scope": rule.scope.kind,
        "values": ", ".join(sorted(names.get(one, one) for one in rule.scope.values)),
        "delay_s": words_of(rule.delay_s) if rule.delay_s else "",
        "repeat_s": words_of(rule.repeat_s) if rule.repeat_s else "",
        "escalate_to": step.channel_id if step else "",
        "escalate_s": words_of(step.after_s) if step else "",
        "quiet_start": f"{quiet.start:%H:%M}" if quiet else "",
        "quiet_end": f"{quiet.end:%H:%M}" if quiet else "",
        "digest": f"{digest.time:%H:%M}" if digest else "",
        "timezone": clock.timezone if clock else zone,
    }


async def remove(visit: Visit) -> Response:
    """Delete a rule."""
    name = visit.name
    await visit.carry_out(
        "rules.delete", name,
        lambda tx: rules.remove_rule(tx, visit.workspace_id, name, visit.at),
    )  # fmt: skip
    return moved(visit, "alerts")


def scope_of(visit: Visit) -> Scope:
    """Return the items that a form is about."""
    values = parts(visit, "values")
    match visit.form.get("scope", "all"):
        case "all" if values:
            raise invalid("values", "leave it empty for all items, or choose what these are")
        case "all":
            return Scope()
        case "tags" | "project" | "watches" as kind if 0 < len(values) <= MOST_VALUES:
            return Scope(kind, frozenset(values))
        case _:
            raise invalid("values", f"give 1 to {MOST_VALUES}, separated by commas")


def _rule(visit: Visit) -> Rule:
    events = frozenset(map(Event, ticked(visit, "event_", EVENTS)))
    if not events:
        raise Problem("invalid", "events", {"events": "tick one at least"})
    return Rule(
        id="",
        channel_id=visit.form.get("channel_id", ""),
        events=events,
        scope=scope_of(visit),
        delay_s=_seconds(visit, "delay_s", 0, MOST_DELAY_S) or 0,
        repeat_s=_after_s(visit, "repeat_s"),
        escalations=_escalations(visit),
        quiet=_quiet(visit),
        digest=_digest(visit),
    )


def _seconds(visit: Visit, name: str, least_s: int, most_s: int) -> int | None:
    given_s = seconds(visit, name)
    if given_s is not None and not least_s <= given_s <= most_s:
        raise invalid(name, f"give {words_of(least_s)} to {words_of(most_s)}")
    return given_s


def _after_s(visit: Visit, name: str) -> int | None:
    return _seconds(visit, name, MINUTE_S, MOST_REPEAT_S)


def _escalations(visit: Visit) -> tuple[Escalation, ...]:
    channel_id, after_s = visit.form.get("escalate_to", ""), _after_s(visit, "escalate_s")
    if not channel_id and after_s is None:
        return ()
    if not channel_id:
        raise invalid("escalate_to", "choose whom to tell, or leave the time empty")
    if after_s is None:
        raise invalid("escalate_s", "give how long nobody may have acknowledged")
    return (Escalation(channel_id, after_s),)


def _quiet(visit: Visit) -> Quiet | None:
    start, end = visit.form.get("quiet_start", ""), visit.form.get("quiet_end", "")
    if not start and not end:
        return None
    begin, over = clock_time(start, "quiet_start"), clock_time(end, "quiet_end")
    return Quiet(begin, over, zone(visit))


def _digest(visit: Visit) -> Digest | None:
    at = visit.form.get("digest", "")
    return Digest(clock_time(at, "digest"), zone(visit)) if at else None
