"""Endpoints that hang, beside a healthy one: they cost nobody but themselves.

`DOGWATCH_PROVE_HANGING` is the number of endpoints of each of the four kinds.
"""

import gc
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.conftest import Serve
from tests.eventually import eventually
from tests.harness.hanging import KINDS, Hanging, hanging_endpoints
from tests.harness.proof import length, tell
from tests.harness.receivers import Webhooks
from tests.harness.served import Served

EACH = int(length("DOGWATCH_PROVE_HANGING", 3, 50))
ALERTS = 4
PROMISED_S = 1.0
# Where the machine does other things as well; a hanging endpoint is given up only after 15 s.
ALLOWED_S = 8.0


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    """One endpoint of each kind that hangs."""
    with hanging_endpoints() as endpoints:
        yield endpoints


@dataclass
class House:
    """A server with one watch that tells the healthy endpoint, and one that tells the others."""

    served: Served
    healthy: Webhooks

    def build(self, hanging: Hanging) -> None:
        """Make the watches, channels and rules."""
        for slug in ("well", "hung"):
            body = {"name": slug, "slug": slug, "schedule": "every 1h", "tags": [slug]}
            self.served.post("/watches", body)
        self.healthy.secret = self._channel("healthy", self.healthy.url, "well")["secrets"][0]
        for number in range(EACH):
            for kind in KINDS:
                self._channel(f"{kind} {number}", hanging.urls[kind], "hung")

    def _channel(self, name: str, url: str, tag: str) -> Any:
        given = {"name": name, "kind": "webhook", "settings": {"url": url}}
        made = self.served.post("/channels", given)
        scope = {"kind": "tags", "values": [tag]}
        self.served.post("/rules", {"channel_id": made["id"], "scope": scope})
        return made

    def ping(self, slug: str, report: str = "") -> None:
        """Ping a watch."""
        url = self.served.get(f"/watches/{slug}")["ping_url"]
        path = url.removeprefix(self.served.url)
        assert self.served.call("POST", f"{path}{report}").status == 200

    def alert_s(self) -> float:
        """Have the healthy watch fail and recover; return the longer wait for its alert."""
        return max(self._told_s("/fail"), self._told_s(""))

    def _told_s(self, report: str) -> float:
        before = len(self.healthy.came)
        self.ping("well", report)
        begun = time.monotonic()
        eventually(lambda: len(self.healthy.came) > before, within_s=60, what="the alert comes")
        return time.monotonic() - begun


def test_hanging_endpoints_cost_only_themselves(
    store: dict[str, str], serve: Serve, webhooks: Webhooks, hanging: Hanging
) -> None:
    house = House(serve(**store, allow_private_targets="127.0.0.0/8"), webhooks)
    house.build(hanging)
    house.ping("well")
    house.ping("hung")
    alone_s = max(house.alert_s() for _ in range(ALERTS))
    house.ping("hung", "/fail")
    eventually(lambda: set(hanging.met) == set(KINDS), within_s=30, what="all kinds hang")
    beside_s = max(house.alert_s() for _ in range(ALERTS))
    later_s = beside_s - alone_s
    figure = f"{later_s * 1000:.0f} ms later beside {EACH * len(KINDS)} hanging endpoints"
    holds = later_s <= PROMISED_S
    tell("200 hanging alert endpoints delay the others by at most 1 s", figure, holds=holds)
    assert later_s <= ALLOWED_S
    assert all(hook.verified for hook in webhooks.came)
    assert len(webhooks.events("well")) == ALERTS * 4
    assert {one["state"] for one in house.served.every("/deliveries?watch=hung")} == {"pending"}


def test_endpoints_that_go_leave_no_connection_behind() -> None:
    """What is unclosed would warn, and so fail, here or in whatever test comes next."""
    for _ in range(5):
        with hanging_endpoints() as endpoints:
            calling = threading.Thread(target=call_until_gone, args=(endpoints.urls["silent"],))
            calling.start()
            eventually(lambda: endpoints.met["silent"] > 20, what="calls come")
        calling.join()
        gc.collect()
        assert not endpoints.open


def call_until_gone(url: str) -> None:
    """Connect and say something, again and again, until nobody listens."""
    port = int(url.rpartition(":")[2].partition("/")[0])
    with suppress(ConnectionRefusedError):
        while True:
            reset = suppress(ConnectionResetError, BrokenPipeError)
            with reset, socket.create_connection(("127.0.0.1", port)) as caller:
                caller.sendall(b"GET")
