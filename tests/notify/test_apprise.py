"""Apprise: any other service, in a thread, if the admin allows it."""

import asyncio
import json
from collections.abc import Mapping
from ipaddress import ip_network

import pytest

from dogwatch.core.alerts import Attempt, Verdict
from dogwatch.core.message import Message
from dogwatch.core.problems import Problem
from dogwatch.egress import Egress
from dogwatch.notify.apprise import AppriseChannel
from tests.harness.endpoints import Endpoint, endpoint, status
from tests.harness.messages import MESSAGE, SINCE, told

ON: Mapping[str, object] = {"apprise_on": True}


def sent(
    message: Message = MESSAGE,
    answers: tuple[bytes | None, ...] = (),
    query: str = "",
    settings: Mapping[str, object] = ON,
    allow: str = "127.0.0.0/8",
    timeout_s: float = 60,
) -> tuple[Attempt, Endpoint]:
    """Send a message to an endpoint by Apprise's own JSON service."""

    async def scene() -> tuple[Attempt, Endpoint]:
        egress = Egress(allow=[ip_network(allow)])
        async with endpoint(*answers) as receiver:
            url = f"json://127.0.0.1:{receiver.port}/s3cretpath{query}"
            channel = AppriseChannel(timeout_s=timeout_s)
            try:
                attempt = await channel.send(egress, {"url": url, **settings}, message, SINCE)
            finally:
                await egress.close()
                receiver.ended.set()
                await asyncio.to_thread(channel.threads.shutdown)
        return attempt, receiver

    return asyncio.run(scene())


def test_it_says_what_every_channel_says() -> None:
    attempt, receiver = sent()
    assert (attempt.verdict, attempt.detail) == (Verdict.SENT, "Apprise said: sent")
    body = json.loads(receiver.bodies[0])
    assert body["title"] == "Down: Nightly database backup"
    assert body["message"].startswith("Why: nothing came for 20 min\nExpected: 2026-11-20 02:00")
    assert body["type"] == "failure"


def test_names_mention_nobody() -> None:
    _, receiver = sent(told(name="@everyone <!channel> [x](http://evil.example)"))
    title = json.loads(receiver.bodies[0])["title"]
    assert title == "Down: @\u2060everyone <\u2060!channel> [\u2060x](http://evil.example)"


def test_a_refusal_is_tried_again_and_repeats_no_secret() -> None:
    attempt, _ = sent(answers=(status(500),))
    assert attempt.verdict is Verdict.RETRY
    assert attempt.detail.startswith("Apprise said: ")
    assert "s3cretpath" not in attempt.detail


def test_redirects_are_not_followed_even_where_the_address_asks_for_it() -> None:
    async def thief() -> list[str]:
        async with endpoint() as other:
            answer = status(307, f"Location: {other.url}")
            await asyncio.to_thread(sent, MESSAGE, (answer,), "?redirect=yes")
            return other.ids

    assert asyncio.run(thief()) == []


def test_a_forbidden_host_is_not_asked() -> None:
    attempt, receiver = sent(allow="192.0.2.0/24")
    assert attempt.verdict is Verdict.FAILED
    assert receiver.ids == []


def test_without_the_admin_s_consent_nothing_is_sent() -> None:
    attempt, receiver = sent(settings={})
    assert (attempt.verdict, receiver.ids) == (Verdict.FAILED, [])
    assert "DOGWATCH_APPRISE" in attempt.detail


def test_who_hangs_is_given_up_in_time() -> None:
    attempt, _ = sent(answers=(None,), timeout_s=0.5)
    assert attempt.verdict is Verdict.RETRY


@pytest.mark.parametrize(
    "url", ["", "x", 7, "syslog://", "DBUS://x", "https//x", "a b://x", "json://\n", "x" * 3000]
)
def test_an_odd_address_is_refused(url: object) -> None:
    with pytest.raises(Problem) as caught:
        AppriseChannel().check({"url": url})
    assert set(caught.value.fields) == {"url"}


def test_an_unknown_service_is_told() -> None:
    async def scene() -> Attempt:
        egress = Egress()
        settings = {"url": "pigeon://coop.invalid/x", **ON}
        try:
            return await AppriseChannel().send(egress, settings, MESSAGE, SINCE)
        finally:
            await egress.close()

    attempt = asyncio.run(scene())
    assert attempt.verdict is Verdict.FAILED
    assert "no service that it knows" in attempt.detail
