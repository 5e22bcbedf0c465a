"""What the tester of test_contract.py is told besides; schemathesis itself loads this."""

import os
import re
from itertools import count
from typing import Any

import schemathesis

OWN_KEY = set(os.environ.get("CONTRACT_OWN_KEY", "").split())
# What no schema can say: whether a cron line is one, whether there is such a channel.
BEYOND_SCHEMAS = re.compile(
    r"cursor|Idempotency-Key|schedule|timezone|until_at|(.*\.)?channel_id|expires_at|owner|email"
    r"|agree|node|parents|locations|(quiet|digest)\.timezone|(nodes|edges|actions)(\..*)?"
    r"|(action|settings|scope|target|window|items)(\..*)?",
    re.DOTALL,
)

WORDS = r"is the same as|more faults|years from now|not both"
KEY, NUMBERS = "Idempotency-Key", count(1)
ALIASES = ("grace_s", "slow_after_s")
SENSIBLE: dict[str, Any] = {
    "schedule": "*/5 * * * *",
    "timezone": "Europe/Berlin",
    "action": {"kind": "http", "url": "https://shop.example/sync"},
    "kind": "webhook",
    "settings": {"url": "https://ops.example/hook"},
    "scope": {"kind": "all"},
    "expires_at": "2036-01-01T00:00:00Z",
    "email": "ana@example.org",
    "owner": None,
    "nodes": [],
    "edges": [],
    "actions": [],
}


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Keep the key that the tests call by; let most good bodies go beyond their refusal."""
    if case.path_parameters and case.path_parameters.get("id") in OWN_KEY:
        case.path_parameters["id"] = "nothing-such"
    if case.query and "wait_s" in case.query and _good(case):
        case.query["wait_s"] = 0  # nothing moves the clock while the tester waits
    if case.headers and KEY in case.headers and _good(case):
        # Sent twice it would answer with what was made the first time, and is gone by now.
        case.headers[KEY] = f"{case.headers[KEY]}"[:200] + f"-{next(NUMBERS)}"
    if isinstance(case.body, dict) and _good(case) and len(repr(case.body)) % 5:
        case.body = _sensible(case.body)


def _good(case: Any) -> bool:
    return case.meta is not None and case.meta.generation.mode.is_positive


def _sensible(body: dict[str, Any]) -> dict[str, Any]:
    """Return a body whose values are such as no schema can ask for."""
    kept = {name: value for name, value in body.items() if name not in ALIASES}
    return {name: SENSIBLE.get(name, value) for name, value in kept.items()}


def _beyond(fault: dict[str, str], body: Any) -> bool:
    """Whether no schema could have said it: of two names for one field, one is allowed; a key of
    our own needs scopes; and which characters can be printed is Unicode's matter."""
    field = fault["field"]
    if BEYOND_SCHEMAS.fullmatch(field) or re.search(WORDS, fault["message"]):
        return True
    if field == "scopes" and isinstance(body, dict):
        return body.get("dialect", "native") == "native" and body.get("scopes") is None
    if field == "text" and isinstance(body, dict):
        return not str(body.get("text", "")).strip()
    return field in ("name", "title") and not str(body[field]).isprintable()


@schemathesis.check
def refusals_are_documented(ctx: Any, response: Any, case: Any) -> None:
    """What the schema takes is refused for reasons alone that no schema can say."""
    if not _good(case) or response.status_code not in (400, 413, 415, 422):
        return
    fields = [fault["field"] for fault in response.json()["errors"]]
    assert fields, f"refused without a field: {response.text}"
    if case.path == "/manifests/apply":
        return  # what a file may hold stands in the schemas of what it holds
    unsaid = [
        fault["field"] for fault in response.json()["errors"] if not _beyond(fault, case.body)
    ]
    assert not unsaid, f"the schema does not say what is wrong with {unsaid}: {response.text}"
