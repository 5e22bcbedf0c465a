"""A full disk: 503 for writes, never a false 200, and it goes on by itself once there is room."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.eventually import eventually
from tests.harness.proof import tell
from tests.harness.served import Served
from tests.harness.smalldisk import Disk, Limit, SmallServed, small_disk

CLIENTS = 8
BATCH = 32
BODY = "x" * 9_000


@dataclass(slots=True)
class Pinging:
    """Pings with large bodies, several at once; it remembers what was said to each."""

    server: SmallServed
    key: str
    said: dict[str, int] = field(default_factory=dict)

    def batch(self, pool: ThreadPoolExecutor) -> list[int]:
        """Send a batch and return the answers."""
        rids = [f"ping-{len(self.said) + number}" for number in range(BATCH)]
        answers = list(pool.map(self._one, rids))
        self.said.update(zip(rids, answers, strict=True))
        return answers

    def _one(self, rid: str) -> int:
        answer = self.server.call("POST", f"/ping/{self.key}?rid={rid}", BODY)
        assert answer.status == 200 or b"NOT recorded" in answer.body, answer
        return answer.status

    def answered(self, status: int) -> set[str]:
        return {rid for rid, said in self.said.items() if said == status}


@pytest.fixture(params=["tmpfs", "limit"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    """A tmpfs where this machine lets us mount one, and a limit everywhere."""
    mount = tmp_path / "small"
    if request.param == "limit":
        mount.mkdir()
        yield Limit()
    else:
        with small_disk(mount) as mounted:
            yield mounted


@pytest.fixture
def server(disk: Disk, tmp_path: Path) -> Iterator[SmallServed]:
    """A server on that disk."""
    served = SmallServed(tmp_path / "small" / "data", disk)
    served.start()
    yield served
    if served.process is not None:
        served.kill9()


def refuses(server: SmallServed, made: list[int]) -> bool:
    """Ask the API for one more watch; write the answer down and say whether it was refused."""
    watch = {"name": "One more", "schedule": "every 1h", "description": "y" * 900}
    made.append(server.call("POST", "/api/v1/watches", watch).status)
    return made[-1] == 503


def test_a_full_disk_loses_nothing_and_is_got_over(server: SmallServed, disk: Disk) -> None:
    watch = server.post("/watches", {"name": "Backup", "schedule": "every 1h"})
    pinging = Pinging(server, watch["ping_url"].rpartition("/")[2])
    with ThreadPoolExecutor(CLIENTS) as pool:
        eventually(lambda: set(pinging.batch(pool)) == {503}, within_s=60, what="the disk is full")
        while_full = [status for _ in range(5) for status in pinging.batch(pool)]
        made: list[int] = []
        eventually(lambda: refuses(server, made), what="the API refuses")
        read = server.call("GET", "/api/v1/watches")
        disk.free(server)
        eventually(lambda: set(pinging.batch(pool)) == {200}, what="it recovers")
    acknowledged = pinging.answered(200)
    server.kill9()
    server.start()
    stored = [ping["rid"] for ping in server.every(f"/watches/{watch['id']}/pings")]
    figure = f"{disk.kind}: {len(acknowledged)} acknowledged, "
    figure += f"{len(pinging.said) - len(acknowledged)} refused, {len(stored)} stored"
    holds = acknowledged <= set(stored)
    told = tell("a full disk answers 503 and is got over", figure, holds=holds)
    assert set(pinging.said.values()) == {200, 503}
    assert 503 in while_full
    assert set(made) <= {201, 503}
    assert read.status == 200
    assert len(server.every("/watches")) == 1 + made.count(201)
    assert holds, told
    assert len(stored) == len(set(stored)), told
    assert server.stop() == 0
    assert server.audit() == []
    assert "Traceback" not in server.log.read_text()


def test_a_server_that_cannot_leave_its_address_is_up_all_the_same(tmp_path: Path) -> None:
    served = Served(tmp_path / "data")
    (served.data / "server.new").mkdir(parents=True)  # where the address would be written first
    served.start()
    try:
        assert served.call("GET", "/healthz", key="none").status == 200
        assert "must be told the address" in served.log.read_text()
    finally:
        assert served.stop() == 0
