"""A client that pings some watches all the time, through every trouble of the server."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from itertools import count
from typing import Any

from tests.harness.beside import Beside
from tests.harness.served import Served


@dataclass(slots=True)
class Pulse(Beside):
    """Pings inside the block: the watches in a round, each round with the next of `ends`.

    `acked` holds the rids that were answered with 200; a 503 counts as refused.
    """

    server: Served
    keys: Sequence[str]
    ends: Sequence[str] = ("",)
    pause_s: float = 0.05
    acked: list[str] = field(default_factory=list)
    refused: int = 0
    wrong: list[str] = field(default_factory=list)

    def __exit__(self, *_: object) -> None:
        super(Pulse, self).__exit__()
        assert self.wrong == []

    def _run(self) -> None:
        for number in count():
            end = self.ends[number % len(self.ends)]
            for place, key in enumerate(self.keys):
                self._ping(key, end, f"{number}-{place}")
            if self._stop.wait(self.pause_s):
                return

    def _ping(self, key: str, end: str, rid: str) -> None:
        try:
            answer = self.server.call("POST", f"/ping/{key}{end}?rid={rid}", key="none")
        except (OSError, HTTPException):
            return
        if answer.status == 200:
            self.acked.append(rid)
        elif answer.status == 503:
            self.refused += 1
        else:
            self.wrong.append(f"{rid}: {answer}")


def key_of(watch: dict[str, Any]) -> str:
    """Return the key by which a watch is pinged."""
    return str(watch["ping_url"]).rpartition("/")[2]


def turns(server: Served, slug: str) -> list[str]:
    """Return what a watch became, oldest first."""
    watch_id = server.get(f"/watches/{slug}")["id"]
    return [flip["to_status"] for flip in reversed(server.every(f"/flips?watch={watch_id}"))]
