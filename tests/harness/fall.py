"""Watches that fall silent in one second, each told to a webhook of its own, all to one chat.

The receiver is a process of its own, so that it costs the server and who measures no thread.
"""

import asyncio
import json
import multiprocessing
import re
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ClassVar, cast

from sqlalchemy import insert, select

from dogwatch import config
from dogwatch.boot.store import opened
from dogwatch.core.alerts import Rule, Scope
from dogwatch.core.spec import WatchSpec
from dogwatch.core.watch import Status
from dogwatch.ids import new_id, new_ids
from dogwatch.notify.webhook import new_secret
from dogwatch.store import tables
from dogwatch.store.database import Tx
from dogwatch.usecases import channels, rules, watches, workspaces
from dogwatch.vault import Vault
from tests.harness.beside import Beside

PER_WRITE = 1000
HOUR = timedelta(hours=1)
PINGED = "pinged-meanwhile"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
_OTHERS = re.compile(r"and ([\d,]+) others?")

Row = dict[str, Any]


# --- who is told --------------------------------------------------------------------------------


class _Taking(asyncio.Protocol):
    """Takes webhooks by their id, and a chat's messages at /hooks/…"""

    ids: ClassVar[set[bytes]] = set()

    def __init__(self, told: "Told") -> None:
        self.told, self.heard = told, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it

    def data_received(self, data: bytes) -> None:
        self.heard += data
        head, end, body = self.heard.partition(b"\r\n\r\n")
        if end and len(body) >= int(_header(head, b"content-length")):
            self._take(head, body)
            self.transport.write(ANSWER)
            self.transport.close()

    def _take(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"POST /hooks/"):
            title = json.loads(body)["attachments"][0]["title"].replace("\\", "")
            others = _OTHERS.search(title)
            self.told.messages.value += 1
            self.told.counted.value += 1 + (int(others[1].replace(",", "")) if others else 0)
        else:
            self.ids.add(_header(head, b"webhook-id"))
            self.told.webhooks.value = len(self.ids)


def _header(head: bytes, name: bytes) -> bytes:
    return head.lower().partition(name + b": ")[2].partition(b"\r\n")[0]


@dataclass(slots=True)
class Told:
    """How many different webhooks came; how many messages the chat got, of how many watches."""

    url: str = ""
    webhooks: Any = field(default_factory=lambda: multiprocessing.Value("q", 0))
    messages: Any = field(default_factory=lambda: multiprocessing.Value("q", 0))
    counted: Any = field(default_factory=lambda: multiprocessing.Value("q", 0))


async def _serve(listener: socket.socket, told: Told) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Taking(told), sock=listener, backlog=4096)
    await server.serve_forever()


def _receive(listener: socket.socket, told: Told) -> None:
    asyncio.run(_serve(listener, told))


@contextmanager
def receiver() -> Iterator[Told]:
    """Yield who is told, running."""
    told = Told()
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
        told.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        child = multiprocessing.Process(target=_receive, args=(listener, told), daemon=True)
        child.start()
        yield told
        child.terminate()
        child.join()
        child.close()


# --- who falls ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fall:
    """`count` watches that are due at one time, told to `hooks` webhooks in turn and to a chat.

    One more watch, whose ping key is `PINGED`, is not due.
    """

    count: int
    hooks: int
    url: str
    chat: bool = True

    def seed(self, flags: Mapping[str, str | None], ahead_s: float) -> datetime:
        """Make them in a new store; return when they fall, so many seconds after that."""
        with opened(config.load(flags, {})) as store:
            made = store.database.write(partial(self._first, store.vault)).result()
            for first in range(0, self.count, PER_WRITE):
                numbers = range(first, min(first + PER_WRITE, self.count))
                store.database.write(partial(self._more, made, numbers, store.vault)).result()
            at = datetime.now(UTC) + timedelta(seconds=ahead_s)
            store.database.write(partial(_set, at)).result()
        return at

    def _first(self, vault: Vault, tx: Tx) -> dict[str, Row]:
        """Make one of each by the way that people do; return their rows."""
        at = datetime.now(UTC) - 2 * HOUR
        own = workspaces.first(tx, at).id
        hook = {"secrets": [new_secret()]}
        channel = channels.add_channel(tx, own, "hook", "webhook", self._hook(0), hook, vault, at)
        rule = rules.add_rule(tx, own, Rule("", channel.id, scope=_tagged(-1)), at)
        watch = watches.add(tx, own, WatchSpec(name="w", schedule="3600", start_by_s=0), at)
        if self.chat:
            room = {"url": f"{self.url}/hooks/room"}
            chat = channels.add_channel(tx, own, "chat", "mattermost", {}, room, vault, at)
            rules.add_rule(tx, own, Rule("", chat.id), at)
        of = {"channels": channel.id, "rules": rule.id, "watches": watch.id}
        rows = {name: _row(tx, name, one) for name, one in of.items()}
        pinged = rows["watches"] | {"ping_key": PINGED, "slug": PINGED, "id": new_id(at)}
        _insert(tx, "watches", [pinged])
        return rows

    def _more(self, like: Mapping[str, Row], numbers: range, vault: Vault, tx: Tx) -> None:
        at = like["watches"]["created_at"]
        hooks = [number for number in numbers if number < self.hooks]
        made = [self._channel(like["channels"], own, vault) for own in new_ids(at, len(hooks))]
        told = [
            like["rules"] | {"id": own, "channel_id": channel["id"], "scope": _scope(number)}
            for own, channel, number in zip(new_ids(at, len(hooks)), made, hooks, strict=True)
        ]
        _insert(tx, "channels", made)
        _insert(tx, "rules", told)
        fallen = [
            like["watches"]
            | {"id": own, "slug": f"w-{number}", "name": f"Watch {number}"}
            | {"ping_key": f"key-of-{number:08}", "tags": [f"t{number % self.hooks}"]}
            | {"status": str(Status.UP), "heard": "ok"}
            for own, number in zip(new_ids(at, len(numbers)), numbers, strict=True)
        ]
        _insert(tx, "watches", fallen)

    def _hook(self, number: int) -> dict[str, str]:
        return {"url": f"{self.url}/in/{number}", "format": "standard"}

    def _channel(self, like: Row, own_id: str, vault: Vault) -> Row:
        settings = {**self._hook(0), "secrets": [new_secret()]}
        context = channels.context(like["workspace_id"], own_id)
        return like | {"id": own_id, "sealed": vault.seal(json.dumps(settings).encode(), context)}


def _tagged(number: int) -> Scope:
    return Scope("tags", frozenset({f"t{number}"}))


def _scope(number: int) -> Row:
    return {"kind": "tags", "values": [f"t{number}"]}


def _row(tx: Tx, name: str, own_id: str) -> Row:
    table = tables.metadata.tables[name]
    return dict(tx.conn.execute(select(table).where(table.c.id == own_id)).one()._mapping)


def _insert(tx: Tx, name: str, rows: list[Row]) -> None:
    if not rows:
        return
    tx.conn.execute(insert(tables.metadata.tables[name]), rows)
    if name == "watches":
        keys = [
            {"key": one["ping_key"], "workspace_id": one["workspace_id"], "watch_id": one["id"]}
            for one in rows
        ]
        tx.conn.execute(insert(tables.ping_keys), keys)


def _set(at: datetime, tx: Tx) -> None:
    """Have all that are up be due at a time, heard of until an hour before."""
    every, heard_at = tables.watches, at - HOUR
    due = {"slot_at": at, "due_at": at, "heard_at": heard_at, "ok_at": heard_at}
    since = {"since_at": heard_at, "ledger_from_at": at}
    tx.conn.execute(every.update().where(every.c.status == "up").values(**due, **since))


# --- who pings meanwhile ------------------------------------------------------------------------


@dataclass(slots=True)
class Meanwhile(Beside):
    """Pings one watch all the time inside the block; `took_s` of each answer."""

    port: int
    pause_s: float = 0.005
    took_s: list[float] = field(default_factory=list)

    @property
    def p99_ms(self) -> float:
        """The 99th percentile of all answers."""
        return sorted(self.took_s)[len(self.took_s) * 99 // 100] * 1000

    def _run(self) -> None:
        request = f"GET /ping/{PINGED} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        with socket.create_connection(("127.0.0.1", self.port)) as one:
            while not self._stop.wait(self.pause_s):
                began = time.perf_counter()
                one.sendall(request)
                answer = one.recv(4096)
                while not answer.endswith(b"OK"):
                    answer += one.recv(4096)
                self.took_s.append(time.perf_counter() - began)
