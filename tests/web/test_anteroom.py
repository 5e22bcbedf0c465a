"""Pings of every dialect are kept and answered while the database is waited for."""

from collections.abc import Sequence
from typing import Any

import pytest

from dogwatch.core.ping import Answer, Heard, Kind
from dogwatch.web import anteroom
from dogwatch.web.pings import App
from tests.harness.clock import ManualClock
from tests.web.asgi_client import Client

UUID = "0c8983c9-9d73-446f-adb5-0641fdacc9d4"


def room(clock: ManualClock, kept: list[Heard], **hosts: str) -> App:
    async def record(batch: Sequence[Heard]) -> Sequence[Answer]:
        kept.extend(batch)
        return [Answer.RECORDED] * len(batch)

    return anteroom.build(record, lambda: None, clock, (), 10_000, hosts)


@pytest.mark.parametrize(
    ("path", "key", "kind", "said"),
    [
        ("/cronbeats/ping/Abcd1234/start", "Abcd1234", Kind.START, {"action": "start"}),
        ("/ping/abcd12345678", "abcd12345678", Kind.OK, {"message": "OK"}),
        ("/cronpulse/api/ping/abcd12345/fail", "abcd12345", Kind.FAIL, {"success": True}),
        ("/cronowl/api/ping/abcd123456", "abcd123456", Kind.OK, {"ok": True}),
        (f"/hc/ping/{UUID}", UUID, Kind.OK, "OK"),
    ],
)
def test_each_dialect_is_answered_in_its_own_words(
    manual_clock: ManualClock, path: str, key: str, kind: Kind, said: Any
) -> None:
    kept: list[Heard] = []
    answer = Client(room(manual_clock, kept))("POST", path)
    assert answer.status == 200
    if isinstance(said, str):
        assert answer.text == said
    else:
        assert said.items() <= answer.json.items()
    assert [(one.key, one.kind, one.at) for one in kept] == [(key, kind, manual_clock.now())]


def test_a_host_of_its_own_is_answered_too_and_all_else_waits(manual_clock: ManualClock) -> None:
    kept: list[Heard] = []
    client = Client(room(manual_clock, kept, cronpulse="pulse.example.com"))
    host = {"host": "pulse.example.com"}
    assert client("GET", "/api/ping/abcd12345", headers=host).status == 200
    assert client("GET", "/api/v1/jobs", headers=host).status == 503
    assert len(kept) == 1
