"""PagerDuty by Events API v2 (developer.pagerduty.com, "Send an Alert Event").

What goes down triggers an alert under its key; what recovers resolves that alert.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from dogwatch.core.alerts import Event
from dogwatch.core.instants import iso
from dogwatch.core.message import Message, words
from dogwatch.core.plain import cut
from dogwatch.egress import Request
from dogwatch.notify.fields import Field, matching, region, region_host
from dogwatch.notify.http_channel import HttpChannel, post

HOSTS = {"us": "https://events.pagerduty.com", "eu": "https://events.eu.pagerduty.com"}
SUMMARY = 1024
SEVERITIES = {Event.DOWN: "critical", Event.TEST: "info", Event.NOTE: "info"}


class PagerDutyChannel(HttpChannel):
    """Settings: `routing_key` (sealed) and `region`."""

    __slots__ = ()
    kind: ClassVar[str] = "pagerduty"
    label: ClassVar[str] = "PagerDuty"
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            "routing_key",
            "The Integration Key: a service → Integrations → Events API V2.",
            matching(r"[A-Za-z0-9]{32}", "give the 32 letters and digits of the integration key"),
            "e93facc04764012d7bfb002500d5d1a6",
            secret=True,
        ),
        region(HOSTS),
    )
    hints: ClassVar[Mapping[str, str]] = {
        "routing_key": "check the integration key, and that region is the account's",
        "invalid routing key": "check the integration key, and that region is the account's",
    }

    def request(self, settings: Mapping[str, Any], message: Message, at: datetime) -> Request:
        """Return the request of one attempt; a repeat under the same key changes nothing."""
        del at
        base = self.base or region_host(HOSTS, settings)
        return post(f"{base}/v2/enqueue", payload(message, settings["routing_key"]), message)


def payload(message: Message, routing_key: str) -> dict[str, Any]:
    """Return the body: a trigger or a resolve."""
    told = words(message)
    event = {"routing_key": routing_key, "dedup_key": f"dogwatch-{message.key}"}
    if message.closes:
        return event | {"event_action": "resolve"}
    details = dict(told.facts) | ({"Last lines of output": told.output} if told.output else {})
    notes = {"Message": "\n".join(told.notes)} if told.notes else {}
    members = {"Members": "\n".join(told.members)} if told.members else {}
    workspace = dict(told.facts).get("Workspace")
    return event | {
        "event_action": "trigger",
        "client": "Dogwatch",
        "client_url": told.url,
        "links": [{"href": url, "text": label} for label, url in told.links],
        "payload": {
            "summary": cut(told.title, SUMMARY),
            "source": message.first.slug or "dogwatch",
            "severity": SEVERITIES.get(message.event, "warning"),
            "timestamp": iso(message.first.since_at),
            **({"group": workspace} if workspace else {}),
            "class": str(message.event),
            "custom_details": notes | details | members,
        },
    }
