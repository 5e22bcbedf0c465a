"""A backup under 200 pings a second, killed on the way and made again; restored elsewhere.

It is one moment of the store, and the store that comes of it tells and runs nothing old.
`DOGWATCH_PROVE_BACKUPS` says how many backups are killed; in full, at each of their writes.
"""

import asyncio
import base64
import random
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.eventually import eventually as soon
from tests.harness.ledger import Client, Ledger
from tests.harness.postgres import PostgresServer
from tests.harness.proof import length, tell
from tests.harness.receivers import Webhooks, webhook_receiver
from tests.harness.served import Served

RATE, CLIENTS = 200, 8
DEATHS = int(length("DOGWATCH_PROVE_BACKUPS", 1, 100))
EVERY_SECOND = "*-*-* *:*:*"
CALLS = "write,fsync,rename,renameat,renameat2"
BULK, BULKY = 60, 7_000  # so that a copy takes more than 60 writes
HALFWAY = 30

eventually = partial(soon, within_s=90)


@dataclass
class Old:
    """The server that is backed up, and the files its scripts write."""

    served: Served
    folder: Path
    hooks: Webhooks
    keys: list[str] = field(default_factory=list)

    @property
    def slots(self) -> Path:
        """The slots that ran, a line each."""
        return self.folder / "slots"

    @property
    def begun(self) -> Path:
        """A line for each start of the long run."""
        return self.folder / "begun"

    def live(self) -> None:
        """Have an alert that cannot be told, a run under way, slots and a deadline each second."""
        self.hooks.status = 503
        hook = {"name": "Hook", "kind": "webhook", "settings": {"url": self.hooks.url}}
        made = self.served.post("/channels", hook)
        self.hooks.secret = made["secrets"][0]
        self.served.post("/rules", {"channel_id": made["id"]})
        for number in range(CLIENTS):
            body = {"name": f"Watch {number}", "schedule": EVERY_SECOND, "start_by_s": 1}
            self.keys.append(_key(self.served.post("/watches", body)))
        self._fill()
        sick = self.served.post("/watches", {"name": "Sick", "schedule": "every 1h"})
        self.served.call("POST", f"/ping/{_key(sick)}/fail")
        each = f'echo "$DOGWATCH_SLOT_AT" >> {self.slots}'
        self._job("each", each, schedule=EVERY_SECOND, catch_up="all")
        self._job("long", f"echo begun >> {self.begun}; sleep 600", schedule="every 1h",
                  lost_run="rerun")  # fmt: skip
        self.served.post("/jobs/long/trigger", {}, status=202)
        eventually(lambda: self.hooks.came and lines(self.begun) and lines(self.slots))

    def _job(self, slug: str, source: str, **more: Any) -> None:
        action = {"kind": "script", "language": "bash", "source": source, "timeout_s": 900}
        self.served.post("/jobs", {"name": slug, "slug": slug, "action": action, **more})

    def end(self) -> None:
        """Kill it, with no script under way that would note its slot later."""
        self.served.post("/watches/each/pause", {}, status=200)

        def still() -> bool:
            return not self.served.every("/runs?watch=each&state=running")

        eventually(still, what="the last slot is noted")
        self.served.kill9()

    def _fill(self) -> None:
        bulk = self.served.post("/watches", {"name": "Bulk", "schedule": "every 1h"})
        for _ in range(BULK):
            body = base64.b64encode(random.randbytes(BULKY)).decode()
            assert self.served.call("POST", f"/ping/{_key(bulk)}", body).status == 200

    def backup(self, file: Path, *traced: str) -> "subprocess.CompletedProcess[str]":
        """Make a backup, perhaps under a program that kills it."""
        told = [word for name, value in self.served.flags.items() for word in (f"--{name}", value)]
        return subprocess.run(
            [*traced, *self.served.program, "backup", str(file), *told],
            capture_output=True, text=True, env=self.served.environ, check=False, timeout=120,
        )  # fmt: skip

    def killed(self, file: Path, call: str, number: int) -> bool:
        """Kill a backup as it enters a system call on its file; say whether it came so far."""
        before = file.read_bytes() if file.exists() else None
        kill = f"inject={call}:signal=KILL:when={number}"
        done = self.backup(
            file, "strace", "-f", "-qq", "-o", "/dev/null",
            "-P", str(aside(file)), "-e", f"trace={CALLS}", "-e", kill,
        )  # fmt: skip
        assert done.returncode in (0, -9), done
        if done.returncode:
            assert (file.read_bytes() if file.exists() else None) == before
        return done.returncode == -9


def aside(file: Path) -> Path:
    """Return where a backup is written until it is whole."""
    return file.with_name(f".{file.name}.new")


def lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def _key(watch: Any) -> str:
    return str(watch["ping_url"].rpartition("/")[2])


def refused(old: Old, half: Path, data: Path) -> None:
    """See that a half-written backup is refused and leaves an empty store."""
    done = old.served.cli("restore", str(half), "--data", str(data), code=2)
    assert "backup" in done.stderr, done


def die_and_back_up(old: Old, file: Path, ledger: Ledger) -> tuple[int, set[str]]:
    """Back up after some deaths; return how many, and what was acknowledged before the last."""
    deaths, first = 0, HALFWAY if DEATHS == 1 else 1
    while deaths < DEATHS and old.killed(file, "write", first + deaths):
        deaths += 1
    assert deaths, "no backup was killed"
    refused(old, aside(file), old.folder / "half")
    if DEATHS > 1:
        deaths += old.killed(file, "fsync", 1) + old.killed(file, "rename", 1)
    before = set(ledger.acked)
    done = old.backup(file)
    assert done.returncode == 0, done
    assert not aside(file).exists()
    return deaths, before


async def under_pings(old: Old, file: Path, ledger: Ledger) -> tuple[int, set[str]]:
    """Do so while the clients ping."""
    stop = asyncio.Event()
    clients = [
        Client(n, old.served.port, old.keys, ledger, keep_alive=n % 2 == 0, every_s=CLIENTS / RATE)
        for n in range(CLIENTS)
    ]
    tasks = [asyncio.create_task(client.run(stop)) for client in clients]
    try:
        return await asyncio.to_thread(die_and_back_up, old, file, ledger)
    finally:
        stop.set()
        await asyncio.gather(*tasks)


@dataclass
class Found:
    """What the restored store did."""

    rids: set[str]
    told_of: set[str]
    slots: list[datetime]
    begun: int
    restored_at: datetime
    findings: list[Any]


def restored(old: Old, file: Path, served: Served) -> Found:
    """Restore into the place of `served`, let it live for a while and return what it did."""
    told = [word for name, value in served.flags.items() for word in (f"--{name}", value)]
    told_before = len(old.hooks.came)
    old.slots.unlink(missing_ok=True)
    old.hooks.status = 200
    restored_at = datetime.now(UTC)
    said = served.cli("restore", str(file), *told).stdout
    assert "Laid to rest, as of the copy: " in said, said
    served.start()
    try:
        _live_on(old, served)
        rids = {ping["rid"] for key in _watches(served) for ping in served.every(key)}
        assert served.stop() == 0
    finally:
        if served.process is not None:
            served.kill9()
    return Found(
        rids, {hook.body["data"]["watch"]["slug"] for hook in old.hooks.came[told_before:]},
        [datetime.fromisoformat(slot) for slot in lines(old.slots)], len(lines(old.begun)),
        restored_at, served.audit(),
    )  # fmt: skip


def _watches(served: Served) -> Iterator[str]:
    for watch in served.every("/watches"):
        if watch["name"].startswith("Watch "):
            yield f"/watches/{watch['id']}/pings"


def _live_on(old: Old, served: Served) -> None:
    """Wait until the sweeper has judged, the courier told and the scheduler run something new."""
    new = {"name": "Fresh", "slug": "fresh", "schedule": EVERY_SECOND, "start_by_s": 0}
    served.call("POST", f"/ping/{_key(served.post('/watches', new))}")
    eventually(lambda: "watch.down" in old.hooks.events("fresh"), what="silence is told of")
    eventually(lambda: len(lines(old.slots)) > 2, what="slots run")


def wrong(found: Found, ledger: Ledger, before: set[str]) -> list[str]:
    """Say what is wrong with a restored store."""
    sequences: dict[str, set[int]] = {}
    for rid in found.rids:
        client, _, sequence = rid.partition("-")
        sequences.setdefault(client, set()).add(int(sequence))
    broken = {
        "acknowledged before, and not in it": before - found.rids,
        "in it, and never sent": found.rids - ledger.sent.keys(),
        "not one moment": [c for c, s in sequences.items() if s != set(range(1, len(s) + 1))],
        "told of again": found.told_of - {"fresh"},
        "old slots run": [at for at in found.slots if at <= found.restored_at],
        "runs begun again": found.begun - 1,
        "audit": found.findings,
    }
    return [f"{what}: {which}" for what, which in broken.items() if which]


@pytest.fixture(params=["sqlite", "postgresql"] if DEATHS > 1 else ["sqlite"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Old]:
    """A server that lives; on SQLite, and in the long form also on PostgreSQL."""
    flags = {"allow-private-targets": "127.0.0.0/8"}
    if request.param == "postgresql":
        flags["database"] = request.getfixturevalue("postgres_url")
    with webhook_receiver() as hooks:
        served = Served(tmp_path / "old" / "data", flags)
        served.data.parent.mkdir()
        yield Old(served.start(), tmp_path, hooks)
        if served.process is not None:
            served.kill9()


@pytest.fixture
def places(postgres: PostgresServer) -> Iterator[dict[str, dict[str, str]]]:
    """Where the copy is restored: the flags of each place."""
    flags = {"allow-private-targets": "127.0.0.0/8"}
    empty = postgres.create("dogwatch_restored")
    yield {"a directory": flags, "PostgreSQL": {**flags, "database": empty}}
    postgres.drop("dogwatch_restored")


def test_a_backup_under_pings_is_restored_elsewhere(
    old: Old, places: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    file = tmp_path / "copy.gz"
    old.live()
    ledger = Ledger.at(tmp_path / "ledger.txt")
    with ledger.file:
        deaths, before = asyncio.run(under_pings(old, file, ledger))
    old.end()
    broken = []
    for name, given in places.items():
        found = restored(old, file, Served(tmp_path / name, given))
        broken += [f"in {name}: {told}" for told in wrong(found, ledger, before)]
    figure = f"{deaths} killed, then one under {len(before)} of {len(ledger.acked)} acknowledged "
    figure += f"pings, restored into {' and '.join(places)}"
    tell("a restored backup is one moment, tells and runs nothing old", figure, holds=not broken)
    assert not broken
