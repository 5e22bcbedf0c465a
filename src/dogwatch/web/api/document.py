"""The OpenAPI document, completed: every problem an operation may answer with, and examples."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from dogwatch.notify import CHANNELS
from dogwatch.notify.fields import Field
from dogwatch.web.api.problems import MEDIA_TYPE

PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}}
_ALWAYS = (401, 403, 422, 503)
_OF_NAME = (404,)
_OF_POST = (409,)
_OF_BODY = (400, 409, 413, 415)
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "1 to 255 printable characters; for 24 hours the same request with the same "
    "key gets the same answer and does nothing more.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
}

# Each route reads the key itself, before FastAPI does anything.
SCHEMES = {"HTTPBearer": {"type": "http", "scheme": "bearer", "description": "An API key."}}

EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "WatchNew": {
        "name": "Nightly backup",
        "schedule": "0 2 * * *",
        "timezone": "Europe/Warsaw",
        "grace_s": 1200,
        "tags": ["db1", "prod"],
    },
    "WatchChange": {"grace_s": 600, "project": None},
    "JobNew": {
        "name": "Sync orders",
        "schedule": "*/10 * * * *",
        "action": {"kind": "http", "method": "POST", "url": "https://shop.example/sync"},
        "max_attempts": 3,
    },
    "JobChange": {"schedule": "every 5m", "overlap": "queue_one"},
    "ProbeNew": {
        "name": "Shop",
        "schedule": "60",
        "target": {
            "kind": "http",
            "url": "https://shop.example/health",
            "assertions": [
                {"kind": "json", "path": "$.status", "is": "equals", "value": "up"},
                {"kind": "certificate_days", "least": 14, "degrades": True},
            ],
        },
        "slow_after_ms": 800,
        "failures_before_down": 2,
    },
    "ProbeChange": {"schedule": "30", "locations": ["here", "fra"], "agree": 2},
    "WorkflowNew": {
        "name": "Nightly orders",
        "schedule": "0 3 * * *",
        "nodes": [
            {"key": "fetch", "job": "fetch-orders"},
            {"key": "load", "job": "load-orders", "retries": 2, "timeout_s": 600},
            {"key": "tell", "job": "tell-support"},
        ],
        "edges": [
            {"source": "fetch", "target": "load", "on": "success"},
            {"source": "fetch", "target": "tell", "on": "failure"},
        ],
    },
    "WorkflowChange": {"schedule": "0 4 * * *", "webhook": True},
    "Rerun": {"node": "load"},
    "WebhookAsked": {"signed": True},
    "ActionsAsked": {
        "actions": [
            {"on": "success", "run": "load-orders"},
            {
                "on": "failure",
                "channel": "01kd0000000000000000000000",
                "subject": "{{event.name}} failed",
                "message": "{{event.error}} on {{event.server}}",
            },
        ]
    },
    "Trigger": {"input": {"day": "2026-01-05"}},
    "Cancel": {"reason": "took too long"},
    "ChannelNew": {
        "name": "Operations",
        "kind": "webhook",
        "settings": {"url": "https://ops.example/hook"},
    },
    "ChannelChange": {"enabled": False},
    "RuleNew": {
        "channel_id": "01kd0000000000000000000000",
        "events": ["down", "recovered"],
        "scope": {"kind": "tags", "values": ["prod"]},
        "delay_s": 300,
        "quiet": {"start": "22:00", "end": "07:00", "timezone": "Europe/Warsaw"},
        "repeat_s": 1800,
    },
    "RuleChange": {"delay_s": 0, "quiet": None},
    "MaintenanceNew": {
        "name": "Upgrades",
        "scope": {"kind": "tags", "values": ["db1"]},
        "window": {
            "kind": "weekly",
            "days": ["sat"],
            "start": "22:00",
            "duration_s": 7200,
            "timezone": "Europe/Warsaw",
        },
    },
    "MaintenanceChange": {
        "window": {
            "kind": "once",
            "start_at": "2036-01-05T22:00:00Z",
            "end_at": "2036-01-06T02:00:00Z",
        }
    },
    "ManifestAsked": {
        "name": "dogwatch.yaml",
        "text": "dogwatch: 1\nwatches:\n- slug: nightly-backup\n  name: Nightly backup\n"
        "  schedule: 0 2 * * *\n",
        "dry_run": True,
    },
    "ReleaseAsked": {"item": "nightly-backup"},
    "StatusPageNew": {
        "title": "Shop status",
        "slug": "shop",
        "public": True,
        "items": [
            {"name": "Website", "watch": "shop-web"},
            {"name": "Payments", "tag": "pay"},
        ],
    },
    "StatusPageChange": {"description": "How the shop is doing.", "public": False},
    "PostNew": {
        "title": "Payments fail",
        "text": "Cards are refused; we look into it.",
        "impact": "major",
    },
    "PostChange": {"state": "resolved", "text": "All payments work again."},
    "Snooze": {"for_s": 3600},
    "ParentsChange": {"parents": ["router"]},
    "WorkspaceChange": {"name": "Shop", "least_isolation": "bubblewrap"},
    "WorkspaceRemoval": {"name": "Shop"},
    "KeyNew": {"name": "ci", "scopes": ["read:watches"], "expires_at": "2036-01-01T00:00:00Z"},
    "KeyRotation": {"overlap_s": 3600},
    "MemberChange": {"role": "editor"},
    "InvitationNew": {"email": "ana@example.org", "role": "editor"},
    "UserChange": {"disabled": True},
    "WorkspaceNew": {"name": "Shop", "owner": "ana@example.org"},
    "PlanChoice": {"plan": "pro"},
    "VariableValue": {"value": "postgresql://shop@db.example/shop", "description": "Orders"},
    "VariableChange": {"description": "Orders, read only"},
}


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with what FastAPI cannot know."""
    document["components"]["securitySchemes"] = SCHEMES
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            operation["security"] = [{name: [] for name in SCHEMES}]
            if method == "post":
                operation["parameters"] = [*operation.get("parameters", ()), _KEY]
            answer = operation["responses"].get("200", {}).get("content", {})
            if len(answer) > 1 and not answer["application/json"].get("schema"):
                del answer["application/json"]  # FastAPI takes it for granted
            operation["responses"].update(_problems(path, method, operation))
    schemas = document["components"]["schemas"]
    for name, example in EXAMPLES.items():
        schemas[name]["examples"] = [dict(example)]
    schemas.update(_settings())
    schemas["ChannelNew"] |= _by_kind(schemas["ChannelNew"])
    document["paths"] = dict(_by_id(document["paths"]))
    _link(document["paths"])
    return document


def _by_id(paths: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the paths with `{id}`: a thing's own name is another matter to those who read this."""
    for path, methods in paths.items():
        for operation in methods.values():
            for one in operation.get("parameters", ()):
                if one["in"] == "path" and one["name"] == "name":
                    one["name"] = "id"
        yield path.replace("{name}", "{id}"), methods


# What a thing that has just been made has only if it was asked for.
_LATER = frozenset({"/workflows/{id}/webhook"})


def _link(paths: Mapping[str, Any]) -> None:
    """Say of each thing that is made what can be done with it."""
    for path, methods in paths.items():
        made = methods.get("post", {}).get("responses", {}).get("201")
        if made is None or "{id}" in path:
            continue
        made["links"] = {
            operation["operationId"]: {
                "operationId": operation["operationId"],
                "parameters": {"id": "$response.body#/id"},
            }
            for below, others in paths.items()
            if below.startswith(f"{path}/{{id}}") and below not in _LATER
            for operation in others.values()
        }


def _by_kind(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a new channel's schema, told apart by `kind`."""
    refs = {kind: f"#/components/schemas/{_name(kind)}" for kind in CHANNELS}
    properties = {**schema["properties"], "kind": {"type": "string", "enum": list(CHANNELS)}}
    return {
        "properties": properties,
        "oneOf": [{"$ref": ref} for ref in refs.values()],
        "discriminator": {"propertyName": "kind", "mapping": refs},
    }


def _settings() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield for each kind of channel what a new one looks like."""
    for kind, channel in CHANNELS.items():
        settings = {
            "type": "object",
            "additionalProperties": False,
            "properties": {one.name: _setting(one) for one in channel.fields},
            "required": [one.name for one in channel.fields if one.needed],
        }
        yield (
            _name(kind),
            {
                "description": f"A new channel by {channel.label}; its settings:",
                "type": "object",
                "properties": {"kind": {"type": "string", "const": kind}, "settings": settings},
                "required": ["kind", "settings"],
            },
        )


def _setting(one: Field) -> dict[str, Any]:
    text: dict[str, Any] = {"type": "string"}
    if one.choices:
        text["enum"] = list(one.choices)
    schema = {"type": "array", "items": text} if one.many else text
    known = {"default": one.default} if one.default is not None else {}
    hidden = {"writeOnly": True} if one.secret else {}
    return {**schema, **known, **hidden, "description": one.help, "examples": [one.example]}


def _name(kind: str) -> str:
    return f"ChannelNew_{kind}"


def _problems(path: str, method: str, operation: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    parameters = {one["name"] for one in operation.get("parameters", ())}
    statuses = {*_ALWAYS}
    statuses.update(_OF_NAME if "{" in path or "watch" in parameters or path == "/rules" else ())
    statuses.update(_OF_POST if method in ("post", "delete") else ())
    statuses.update(_OF_BODY if "requestBody" in operation else ())
    for status in sorted(statuses):
        yield str(status), {"description": HTTPStatus(status).phrase, "content": PROBLEM}
    yield "default", {"description": "A problem (RFC 9457).", "content": PROBLEM}
