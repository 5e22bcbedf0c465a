"""Opsgenie by its Alert API (docs.opsgenie.com/docs/alert-api): opened and closed by alias."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote

from dogwatch.core.alerts import Event
from dogwatch.core.message import Message, text, words
from dogwatch.core.plain import cut, one_line
from dogwatch.egress import Request
from dogwatch.notify.fields import Field, matching, region, region_host
from dogwatch.notify.http_channel import HttpChannel, post

HOSTS = {"us": "https://api.opsgenie.com", "eu": "https://api.eu.opsgenie.com"}
MESSAGE, DESCRIPTION, TAGS, TAG = 130, 15_000, 20, 50
PRIORITIES = {Event.DOWN: "P1", Event.TEST: "P5"}


class OpsgenieChannel(HttpChannel):
    """Settings: `api_key` (sealed) and `region`."""

    __slots__ = ()
    kind: ClassVar[str] = "opsgenie"
    label: ClassVar[str] = "Opsgenie"
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            "api_key",
            "The key of an API integration: a team → Integrations → API.",
            matching(r"[0-9a-fA-F-]{36}", "give the integration's key, 8-4-4-4-12 digits"),
            "eb243592-faa2-4ba2-a551-1afdf565c889",
            secret=True,
        ),
        region(HOSTS),
    )
    hints: ClassVar[Mapping[str, str]] = {
        "could not authenticate": "check api_key, and that region is the account's",
        "not authorized": "the key may not create alerts; allow it in the integration's settings",
        "api key": "check api_key, and that region is the account's",
    }

    def request(self, settings: Mapping[str, Any], message: Message, at: datetime) -> Request:
        """Return the request of one attempt; Opsgenie counts repeats under the same alias."""
        del at
        base = self.base or region_host(HOSTS, settings)
        path = f"/{quote(alias(message), safe='')}/close?identifierType=alias"
        url = f"{base}/v2/alerts{path if message.closes else ''}"
        key = f"GenieKey {settings['api_key']}"
        return post(url, payload(message), message, authorization=key)


def alias(message: Message) -> str:
    """Return the name of the trouble, the same from its opening to its closing."""
    return f"dogwatch-{message.key}"


def payload(message: Message) -> dict[str, Any]:
    """Return the body that opens or closes an alert."""
    told = words(message)
    if message.closes:
        return {"source": "Dogwatch", "note": cut(text(message), DESCRIPTION)}
    return {
        "message": cut(told.title, MESSAGE),
        "alias": alias(message),
        "description": cut(text(message), DESCRIPTION),
        "tags": [one_line(tag, TAG) for tag in message.first.tags[:TAGS]],
        "details": dict(told.facts) | {"url": told.url} | dict(told.answers),
        "entity": message.first.slug,
        "source": "Dogwatch",
        "priority": PRIORITIES.get(message.event, "P3"),
    }
