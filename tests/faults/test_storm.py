"""Many watches go down at once: one chat channel gets few messages, webhooks get every flip.

`DOGWATCH_PROVE_STORM` is the number of watches.
"""

import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.e2e.conftest import Serve
from tests.eventually import eventually
from tests.harness.proof import length, tell
from tests.harness.pulse import key_of
from tests.harness.receivers import Webhooks
from tests.harness.served import Served

WATCHES = int(length("DOGWATCH_PROVE_STORM", 60, 10_000))
MOST_MESSAGES = 20
LONG_S = 240.0


@dataclass(slots=True)
class Chat:
    """A room that takes every message."""

    port: int
    titles: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks/room"

    @property
    def counted(self) -> int:
        """How many flips were told, by the words of the titles: "Down: w1 and 58 others"."""
        return sum(map(_count, self.titles))


def _count(title: str) -> int:
    others = re.search(r"and ([\d,]+) others?", title)
    return 1 + (int(others[1].replace(",", "")) if others else 0)


@contextmanager
def chat_room() -> Iterator[Chat]:
    """Yield a running room."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told = json.loads(self.rfile.read(int(self.headers["content-length"])))
            chat.titles.append(told["attachments"][0]["title"].replace("\\", ""))
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (its name)
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    chat = Chat(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield chat
    server.shutdown()
    server.server_close()
    thread.join()


def channel(served: Served, kind: str, url: str, **more: Any) -> Any:
    """Make a channel that hears of everything."""
    made = served.post("/channels", {"name": kind, "kind": kind, "settings": {"url": url}, **more})
    served.post("/rules", {"channel_id": made["id"]})
    return made


def ping(served: Served, path: str) -> None:
    assert served.call("POST", path).status == 200


def test_a_storm_is_few_messages_for_people_and_each_flip_for_machines(
    store: dict[str, str], serve: Serve, webhooks: Webhooks
) -> None:
    served = serve(**store, allow_private_targets="127.0.0.0/8")
    with chat_room() as chat, ThreadPoolExecutor(4) as pool:
        channel(served, "mattermost", chat.url, group_window_s=5)
        webhooks.secret = channel(served, "webhook", webhooks.url)["secrets"][0]
        bodies = [{"name": f"w{number}", "schedule": "every 1h"} for number in range(WATCHES)]
        made = list(pool.map(lambda body: served.post("/watches", body), bodies))
        paths = [f"/ping/{key_of(one)}" for one in made]
        list(pool.map(lambda path: ping(served, path), paths))
        list(pool.map(lambda path: ping(served, f"{path}/fail"), paths))
        eventually(lambda: len({h.id for h in webhooks.came}) >= WATCHES, within_s=LONG_S,
                   what="every flip is told to the machine")  # fmt: skip
        eventually(lambda: chat.counted >= WATCHES, within_s=LONG_S,
                   what="every flip is told to people")  # fmt: skip
        messages = len(chat.titles)
    figure = f"{WATCHES} watches: {messages} chat messages, {len(webhooks.came)} webhooks"
    holds = messages <= MOST_MESSAGES and chat.counted == WATCHES
    tell("one message for one cause: at most 20", figure, holds=holds)
    assert chat.counted == WATCHES
    assert messages <= MOST_MESSAGES
    assert len({hook.body["data"]["watch"]["id"] for hook in webhooks.came}) == WATCHES
    parts = [one["count"] for one in served.every("/incidents")]
    assert sum(parts) == WATCHES
    states = {one["state"] for one in served.every("/deliveries")}
    eventually(lambda: {one["state"] for one in served.every("/deliveries")} == {"sent"},
               within_s=LONG_S, what="all receipts are written")  # fmt: skip
    assert states <= {"pending", "sent"}


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
