"""Rules in a manifest: they have no names, so a manifest that has any says all of them."""

import json
from collections.abc import Sequence
from typing import Any

from dogwatch.core.alerts import Rule
from dogwatch.core.manifest.said import Told, without
from dogwatch.core.problems import invalid
from dogwatch.usecases import rules
from dogwatch.web.api.manifest import channels, scopes
from dogwatch.web.api.manifest.work import Work, at, parsed
from dogwatch.web.api.rules import RuleNew, RuleOut

MOST = 1_000_000
_FIELDS = ("events", "delay_s", "quiet", "repeat_s", "digest", "escalations")


def told(work: Work) -> list[Told]:
    """Return all rules, in an order that does not follow when they were made."""
    return sorted((one for one, _ in _all(work)), key=_text)


def judge(one: Told) -> None:
    """Raise a Problem of all that is wrong in itself."""
    parsed(RuleNew, _asked(one, {}))


def take(work: Work, some: Sequence[Told]) -> None:
    """Have these rules and no others; those that are there already stay as they are."""
    ids = {key: own for own, key in channels.keys(work).items()}
    left = [(_text(one), own) for one, own in _all(work)]
    for number, one in enumerate(some):
        with at(f"rules.{number}"):
            rule = _rule(one, ids)
            same = next((pair for pair in left if pair[0] == _text(_told(work, rule))), None)
            if same:
                left.remove(same)
            else:
                rules.add_rule(work.tx, work.workspace_id, rule, work.at)
    for _, own in left:
        rules.remove_rule(work.tx, work.workspace_id, own, work.at)


def _all(work: Work) -> list[tuple[Told, str]]:
    every = rules.rule_page(work.tx, work.workspace_id, MOST, "")
    found = [(_told(work, rule), rule.id) for rule, _ in every]
    return [(one, own) for one, own in found if not scopes.is_empty(one)]


def _told(work: Work, rule: Rule) -> Told:
    keys = channels.keys(work)
    now = RuleOut.of(rule, work.at).model_dump(mode="json", include=set(_FIELDS))
    usual = RuleOut.of(Rule("", ""), work.at).model_dump(mode="json", include=set(_FIELDS))
    for step in now["escalations"]:
        step["channel"] = keys[step.pop("channel_id")]
    said = without(now, usual)
    return {"channel": keys[rule.channel_id], **scopes.told(work, rule.scope), **said}


def _asked(one: Told, ids: dict[str, str]) -> Told:
    """Return what is told with its channels by id, as the API takes it."""
    asked = {name: value for name, value in one.items() if name != "channel"}
    asked["channel_id"] = _id(one.get("channel"), ids)
    if isinstance(steps := one.get("escalations"), list):
        asked["escalations"] = [_step(step, ids) for step in steps]
    return asked


def _step(step: Any, ids: dict[str, str]) -> Any:
    if not isinstance(step, dict):
        return step
    rest = {name: value for name, value in step.items() if name != "channel"}
    return {**rest, "channel_id": _id(step.get("channel"), ids)}


def _id(key: Any, ids: dict[str, str]) -> Any:
    """Return the id of a channel; before they are known, something that could be one."""
    return ids.get(key, key[:26]) if isinstance(key, str) else key


def _rule(one: Told, ids: dict[str, str]) -> Rule:
    """Return what is told as a rule, whose channels are all there."""
    body = parsed(RuleNew, _asked(one, ids))
    _refuse_unknown("channel", one["channel"], ids)
    for number, step in enumerate(one.get("escalations") or ()):
        _refuse_unknown(f"escalations.{number}.channel", step["channel"], ids)
    return body.rule(Rule("", ids[one["channel"]]))


def _refuse_unknown(field: str, key: str, ids: dict[str, str]) -> None:
    if key not in ids:
        raise invalid(field, f"there is no channel {key[:100]!r}")


def _text(one: Told) -> str:
    return json.dumps(one, sort_keys=True)
