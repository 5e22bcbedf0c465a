"""The webhook of a check or monitor: a channel of its own, Slack's or Discord's by its address."""

from collections.abc import Sequence
from dataclasses import replace

from dogwatch.core.problems import Problem, invalid
from dogwatch.notify import CHANNELS
from dogwatch.usecases import aliases, hooks
from dogwatch.usecases.aliases import Alias, Named
from dogwatch.usecases.door import Tx
from dogwatch.usecases.hooks import KEPT, Hook
from dogwatch.web.dialect.call import DialectCall
from dogwatch.web.dialects.cronowl.routes import may


def shown(tx: Tx, call: DialectCall, many: Sequence[Named], scope: str) -> dict[str, str]:
    """Return the addresses by the ids of aliases, to those who have the scope to change them."""
    if not may(call, scope):
        return {}
    ids = {alias.name: alias.said[KEPT] for alias, _ in many if alias.said.get(KEPT)}
    found = hooks.addresses(tx, call.workspace_id, ids.values(), call.services.vault)
    return {name: found[own_id] for name, own_id in ids.items() if own_id in found}


def put(tx: Tx, call: DialectCall, named: Named, url: str | None) -> Alias:
    """Have a check tell this address, None for none; return its alias afterwards."""
    alias, record = named
    present, vault = alias.said.get(KEPT), call.services.vault
    if present:
        known = hooks.addresses(tx, call.workspace_id, [present], vault).get(present)
        if known == url:
            return alias
        hooks.take(tx, call.workspace_id, present)
    if url is None:
        return aliases.say(tx, alias, **{KEPT: None}) if present else alias
    hook = replace(_hook(url), name=f"CronOwl: {record.name}")
    return aliases.say(tx, alias, **{KEPT: hooks.give(tx, record, hook, vault, call.at)})


def _hook(url: str) -> Hook:
    for kind in ("slack", "discord"):
        try:
            settings = CHANNELS[kind].check({"url": url})
        except Problem:
            continue
        return Hook(kind, "", settings.public, settings.secret)
    try:
        settings = CHANNELS["webhook"].check({"url": url, "format": "cronowl"})
    except Problem as problem:
        raise invalid("webhookUrl", problem.fields.get("url", problem.message)) from None
    return Hook("webhook", "", settings.public, settings.secret)
