"""The postman: takes what the command line on this machine kept while nobody could be reached."""

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlencode, urlsplit

import structlog

from dogwatch.clock import Clock
from dogwatch.core.ping import SPOOL_AGE, Answer, Heard, heard_at, keep, read_path
from dogwatch.outbox import Outbox, Ping, is_address, is_url
from dogwatch.store.database import Database, Tx
from dogwatch.usecases import pings, workspaces

BATCH = 500
POLL_S = 2.0
_HERE = frozenset({"localhost", "::1"})

_log = structlog.get_logger("dogwatch.engine")


class Postman:
    """Records the pings of an outbox that are for this server, each exactly once.

    `servers` are its addresses. What is for another server, of an unknown watch or too old stays
    for the command line, which says what became of it.
    """

    name = "postman"
    topics: frozenset[str] = frozenset()

    def __init__(
        self,
        database: Database,
        clock: Clock,
        outbox: Outbox,
        servers: Collection[str],
        body_limit_bytes: int = 10_000,
    ) -> None:
        self._database = database
        self._clock = clock
        self._outbox = outbox
        self._servers = frozenset(map(_origin, servers))
        self._body_limit_bytes = body_limit_bytes
        self._left: frozenset[Path] = frozenset()

    async def step(self) -> float:
        """Take what is there; return when to look again."""
        await asyncio.to_thread(self._take)
        return POLL_S

    def _take(self) -> None:
        if not set(self._outbox.waiting()) - self._left:
            return
        with self._outbox.alone(wait=False) as alone:
            if alone:
                ours = [
                    one for one in self._outbox.kept() if _origin(one[1].origin) in self._servers
                ]
                for first in range(0, len(ours), BATCH):
                    self._record(ours[first : first + BATCH])
                self._left = frozenset(self._outbox.waiting())

    def _record(self, batch: list[tuple[Path, Ping]]) -> None:
        def recorded(tx: Tx) -> list[Path]:
            at = self._clock.now()
            workspace_key = workspaces.first(tx, at).ping_key
            read = [(path, self._heard(ping, workspace_key, at)) for path, ping in batch]
            known = [(path, heard) for path, heard in read if heard]
            # A crash before the files are gone must not count them twice.
            answers = pings.record(tx, [heard for _, heard in known], at, tried=True)
            both = zip(known, answers, strict=True)
            return [path for (path, _), answer in both if answer is not Answer.UNKNOWN]

        done = self._database.write(recorded).result()
        for path in done:
            path.unlink(missing_ok=True)
        if done:
            _log.info("pings kept by the command line here are counted", count=len(done))

    def _heard(self, ping: Ping, workspace_key: str, at: datetime) -> Heard | None:
        claimed_at = datetime.fromtimestamp(ping.at_s, UTC)
        query = {"rid": ping.rid or "", "create": "1" if ping.create == {} else ""}
        path = f"{_path(ping.to, workspace_key)}/{ping.signal}"
        target = read_path(path, urlencode(query, errors="replace").encode())
        if target is None or at - claimed_at > SPOOL_AGE:
            return None
        body = ping.body.encode("utf-8", "replace")
        return target.heard(
            body=keep(body, self._body_limit_bytes, len(body)),
            body_bytes=len(body),
            method="POST",
            user_agent="dogwatch",
            at=heard_at(claimed_at, at),
        )


def _path(to: str, workspace_key: str) -> str:
    if is_url(to):
        _, ping, rest = unquote(urlsplit(to).path).rstrip("/").rpartition("/ping/")
        return ping + rest
    return f"/ping/{to}" if is_address(to) else f"/ping/{workspace_key}/{to}"


def _origin(url: str) -> str:
    """Return scheme, host and port, with one name for this machine."""
    parts = urlsplit(url)
    host = "127.0.0.1" if parts.hostname in _HERE else parts.hostname
    return f"{parts.scheme}://{host}:{parts.port or parts.scheme}"
