"""Many watches go down at once: one chat channel gets few messages, webhooks get every flip.

`DOGWATCH_PROVE_STORM` is the number of watches.
"""

from datetime import UTC, datetime
from typing import Any

from tests.e2e.conftest import Serve
from tests.eventually import eventually
from tests.harness.fall import Fall, Meanwhile, receiver
from tests.harness.proof import length, tell
from tests.harness.pulse import key_of
from tests.harness.receivers import Webhooks
from tests.harness.served import Served

WATCHES = int(length("DOGWATCH_PROVE_STORM", 60, 10_000))
MOST_MESSAGES, TOLD_S, PING_MS = 20, 30.0, 250.0
# From the seeding to the fall: the server starts meanwhile.
AHEAD_S = 5.0 + WATCHES / 1000
LONG_S = 240.0


def channel(served: Served, kind: str, url: str, **more: Any) -> Any:
    """Make a channel that hears of everything."""
    made = served.post("/channels", {"name": kind, "kind": kind, "settings": {"url": url}, **more})
    served.post("/rules", {"channel_id": made["id"]})
    return made


def ping(served: Served, path: str) -> None:
    assert served.call("POST", path).status == 200


def test_a_storm_is_few_messages_for_people_and_each_flip_for_machines(
    store: dict[str, str], serve: Serve
) -> None:
    served = serve(begin=False, **store, allow_private_targets="127.0.0.0/8")
    with receiver() as told:
        flags = {"data": str(served.data), "database_url": store.get("database")}
        fallen_at = Fall(WATCHES, WATCHES, told.url).seed(flags, AHEAD_S)
        served.start()
        with Meanwhile(served.port) as pings:
            eventually(lambda: told.webhooks.value >= WATCHES, within_s=LONG_S,
                       what="every flip is told to its machine")  # fmt: skip
            took_s = (datetime.now(UTC) - fallen_at).total_seconds()
        eventually(lambda: told.counted.value >= WATCHES, within_s=LONG_S,
                   what="every flip is told to people")  # fmt: skip
        eventually(lambda: pending(served) == 0, within_s=LONG_S, what="receipts are written")
        messages, counted = told.messages.value, told.counted.value
    few = f"{WATCHES} watches: {messages} chat messages, of {counted}"
    tell("one message for one cause: at most 20", few, holds=messages <= MOST_MESSAGES)
    soon = f"{WATCHES} watches: {took_s:.1f} s, pings p99 {pings.p99_ms:.0f} ms"
    holds = took_s <= TOLD_S and pings.p99_ms <= PING_MS
    tell("10,000 down at once: webhooks within 30 s, pings p99 250 ms", soon, holds=holds)
    assert (counted, told.webhooks.value) == (WATCHES, WATCHES)
    assert messages <= MOST_MESSAGES
    assert sum(one["count"] for one in served.every("/incidents")) == WATCHES


def pending(served: Served) -> int:
    """Return how many deliveries are on their way; those told together have a carrier more."""
    return len(served.get("/deliveries?state=pending&limit=1")["data"])


def test_a_group_that_was_taken_but_not_answered_comes_again_under_its_id(
    serve: Serve, webhooks: Webhooks
) -> None:
    served = serve(allow_private_targets="127.0.0.0/8")
    made = channel(served, "webhook", webhooks.url, group_window_s=1)
    webhooks.secret = made["secrets"][0]
    keys = [key_of(served.post("/watches", {"name": f"w{n}"})) for n in range(3)]
    webhooks.hold.clear()
    for report in ("", "/fail"):
        for key in keys:
            ping(served, f"/ping/{key}{report}")
    eventually(lambda: webhooks.came, within_s=LONG_S, what="the message comes")
    served.kill9()
    first = webhooks.came[0].id
    webhooks.hold.set()
    served.start()
    eventually(lambda: [hook.id for hook in webhooks.came].count(first) > 1, within_s=LONG_S,
               what="it comes again")  # fmt: skip
    eventually(
        lambda: {one["state"] for one in served.every("/deliveries")} == {"sent"},
        within_s=LONG_S, what="all that it told of is sent",
    )  # fmt: skip
