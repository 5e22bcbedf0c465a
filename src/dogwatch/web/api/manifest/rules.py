"""Rules in a manifest: which events go to which channel; they have no names."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dogwatch.core.alerts import Rule
from dogwatch.core.manifest.said import Told, without
from dogwatch.core.problems import refuse
from dogwatch.usecases import rules
from dogwatch.usecases.keeping import RULE
from dogwatch.web.api.manifest.places import parsed
from dogwatch.web.api.manifest.plan import Plan, Writing
from dogwatch.web.api.manifest.present import Present
from dogwatch.web.api.manifest.sets import Set, is_empty, scope_asked
from dogwatch.web.api.rules import RuleNew, RuleOut

_FIELDS = ("events", "delay_s", "quiet", "repeat_s", "digest", "escalations")
_ZONED = ("quiet", "digest")


def _judge(one: Told) -> None:
    parsed(RuleNew, _asked(one, lambda key: key[:26]))


def _all(present: Present) -> Sequence[tuple[Told, str]]:
    found = [(_told(present, rule), rule.id) for rule in present.rules]
    return [(one, own) for one, own in found if not is_empty(one)]


def _told(present: Present, rule: Rule) -> Told:
    said = _said(present, rule, present.keys)
    return {"channel": present.keys[rule.channel_id], **present.scope(rule.scope), **said}


def _said(present: Present, rule: Rule, keys: Mapping[str, str]) -> Told:
    """Return what is said of a rule and is not as usual, its channels by key."""
    now = RuleOut.of(rule, present.at).model_dump(mode="json", include=set(_FIELDS))
    usual = RuleOut.of(Rule("", ""), present.at).model_dump(mode="json", include=set(_FIELDS))
    for step in now["escalations"]:
        own = step.pop("channel_id")
        step["channel"] = keys.get(own, own)
    for name in _ZONED:
        now[name] = now[name] and without(now[name], {"timezone": "UTC"})
    return without(now, usual)


def _plain(plan: Plan, one: Told) -> Told:
    """Return what is told of a rule in one form; its channels and watches must be there."""
    named = {"channel": one["channel"]} | {
        f"escalations.{number}.channel": step["channel"]
        for number, step in enumerate(one.get("escalations") or ())
    }
    bad = {
        field: f"there is no channel {key[:100]!r}"
        for field, key in named.items()
        if key not in plan.keys
    }
    refuse(bad)
    tokens = {key: f"{number:026}" for number, key in enumerate(sorted(plan.keys))}
    rule = parsed(RuleNew, _asked(one, tokens.__getitem__)).rule(Rule("", ""))
    said = _said(plan.present, rule, {token: key for key, token in tokens.items()})
    return {"channel": one["channel"], **scope_asked(plan, one), **said}


def _asked(one: Told, id_of: Callable[[str], str]) -> Told:
    """Return what is told with its channels by id, as the API takes it."""

    def named(told: Any) -> Any:
        if not isinstance(told, dict):
            return told
        rest = {name: value for name, value in told.items() if name != "channel"}
        key = told.get("channel")
        return {**rest, "channel_id": id_of(key) if isinstance(key, str) else key}

    asked: Told = named(one)
    if isinstance(steps := one.get("escalations"), list):
        asked["escalations"] = [named(step) for step in steps]
    return asked


def _made(writing: Writing, plain: Told) -> str:
    body = parsed(RuleNew, _asked(plain, writing.ids.__getitem__))
    rule = body.rule(Rule("", writing.ids[plain["channel"]]))
    return rules.add_rule(*writing.where, rule, writing.present.at).id


def _gone(writing: Writing, own: str) -> None:
    rules.remove_rule(*writing.where, own, writing.present.at)


def _name(one: Told) -> object:
    return one["channel"], one.get("scope")


RULES = Set("rules", RULE, _judge, _all, _plain, _made, _gone, _name)
