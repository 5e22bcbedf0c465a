"""The hard edges, on real processes: stalled clients, huge bodies, a server away, a dead node."""

import base64
import os
import signal
import socket
import statistics
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from time import perf_counter
from typing import Any

from tests.e2e.conftest import Serve
from tests.eventually import eventually
from tests.harness.receivers import Webhooks
from tests.harness.served import PROMPT_S, Served

MIB = 1024 * 1024
STALLED = 350
ALLOWED_S = 1.0  # 0.05 s where nobody else has the processor; stalled ones are closed after 10 s


def watch(served: Served, slug: str, **more: Any) -> Any:
    body = {"name": slug.capitalize(), "slug": slug, "schedule": "every 1h", **more}
    return served.post("/watches", body)


def ping_path(made: Any) -> str:
    return "/ping/" + str(made["ping_url"].rpartition("/")[2])


def pings_of(served: Served, made: Any) -> list[Any]:
    return served.every(f"/watches/{made['id']}/pings")


# --- clients that stall, bodies without end --------------------------------------------------


def ping_took_s(served: Served, path: str, times: int = 20) -> float:
    """Return the median of some pings, each on a connection of its own."""
    took_s = []
    for _ in range(times):
        began = perf_counter()
        assert served.call("POST", path).status == 200
        took_s.append(perf_counter() - began)
    return statistics.median(took_s)


def stall(stack: ExitStack, served: Served, path: str) -> list[socket.socket]:
    """Open connections that stop in the middle of a head, or of a body."""
    sockets = []
    for number in range(STALLED):
        one = stack.enter_context(socket.create_connection(("127.0.0.1", served.port)))
        length = "Content-Length: 10\r\n\r\nhalf" if number % 2 else ""
        one.sendall(f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{length}".encode())
        one.setblocking(False)
        sockets.append(one)
    return sockets


def ended(one: socket.socket) -> bool:
    """Say whether the server has closed a connection, after answering or not."""
    try:
        while one.recv(65536):
            pass
    except BlockingIOError:
        return False
    except ConnectionResetError:
        pass
    return True


def test_stalled_connections_slow_nobody_and_are_closed(serve: Serve) -> None:
    served = serve()
    path = ping_path(watch(served, "busy"))
    before_s = ping_took_s(served, path)
    with ExitStack() as stack:
        stalled = stall(stack, served, path)
        during_s = ping_took_s(served, path)
        assert during_s < 3 * before_s + ALLOWED_S, (before_s, during_s)
        eventually(lambda: all(map(ended, stalled)), what="the stalled are closed")


def memory_bytes(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def test_a_body_of_20_mib_takes_no_memory(serve: Serve) -> None:
    served = serve()
    made = watch(served, "large")
    assert served.call("POST", ping_path(made)).status == 200
    before = memory_bytes(served.pid, "VmRSS")
    connection = HTTPConnection("127.0.0.1", served.port, timeout=60)
    connection.request("POST", ping_path(made), b"x" * (20 * MIB))
    assert connection.getresponse().read() == b"OK"
    connection.close()
    assert memory_bytes(served.pid, "VmHWM") - before < 32 * MIB
    newest = pings_of(served, made)[0]
    assert newest["body_bytes"] == 20 * MIB
    assert len(newest["body"]) < 11_000


# --- the server away, the server stopped -----------------------------------------------------


def test_run_keeps_what_it_could_not_send(serve: Serve) -> None:
    served = serve()
    made = watch(served, "nightly")
    served.cli("run", "nightly", "--", "true")
    assert served.stop() == 0
    failed = served.cli("run", "nightly", "--", "sh", "-c", "echo lost tape; exit 7", code=7)
    assert "kept, sent later" in failed.stderr
    away_at = datetime.now(UTC)
    served.start()
    # The server looks into the same directory: either of them takes what was kept.
    flushed = served.cli_json("ping", "--flush")
    assert (flushed["refused"], flushed["kept"]) == (0, 0)
    eventually(lambda: len(pings_of(served, made)) == 4, what="what was kept to count")
    end, start = pings_of(served, made)[:2]
    assert (start["kind"], end["kind"], end["exit_code"]) == ("start", "fail", 7)
    assert end["body"] == "lost tape\n"
    assert datetime.fromisoformat(start["at"]) <= datetime.fromisoformat(end["at"]) <= away_at
    assert served.get("/watches/nightly")["status"] == "down"


def test_sigterm_ends_open_streams_at_once(serve: Serve) -> None:
    served = serve()
    source = "echo first attempt; exit 1"
    action = {"kind": "script", "language": "bash", "source": source}
    again = {"max_attempts": 2, "backoff_s": 3600}
    served.post("/jobs", {"name": "Flaky", "slug": "flaky", "action": action, **again})
    run = served.post("/jobs/flaky/trigger", {}, status=202)
    headers = {"Authorization": f"Bearer {served.key}"}
    connection = HTTPConnection("127.0.0.1", served.port, timeout=60)
    connection.request("GET", f"/api/v1/runs/{run['id']}/output/stream", headers=headers)
    stream = connection.getresponse()
    while b"first attempt" not in stream.readline():
        pass
    began = perf_counter()
    assert served.stop() == 0
    assert perf_counter() - began < PROMPT_S
    connection.close()


# --- two nodes, one dies ---------------------------------------------------------------------


def children(pid: int) -> bool:
    """Say whether a process has children now."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return any(task.read_text().strip() for task in tasks)


def test_a_node_takes_over_from_a_dead_one(postgres_url: str, serve: Serve) -> None:
    secret = base64.b64encode(os.urandom(32)).decode()
    first = serve(database=postgres_url, secret_key=secret)
    second = serve(database=postgres_url, secret_key=secret)
    action = {"kind": "script", "language": "bash", "source": "sleep 0.7"}
    for number in range(6):
        body = {"name": f"Job {number}", "schedule": "*-*-* *:*:*", "action": action}
        second.post("/jobs", body)
    eventually(lambda: children(first.pid) and children(second.pid), what="both nodes work")
    first.kill9()
    running = {run["id"] for run in second.every("/runs") if run["state"] != "done"}
    died_at = datetime.now(UTC).isoformat()

    def taken_over() -> bool:
        runs = second.get("/runs?limit=200")["data"]
        fresh = {run["watch_id"] for run in runs if run["state"] == "done"
                 and run["outcome"] == "ok" and (run["slot_at"] or "") > died_at}  # fmt: skip
        return len(fresh) == 6

    eventually(
        lambda: all(second.get(f"/runs/{one}")["state"] == "done" for one in running),
        what="runs of the dead node end",
    )
    eventually(taken_over, what="every job runs on")
    for job in second.every("/jobs"):
        second.post(f"/watches/{job['id']}/pause", {}, status=200)


# --- backup and restore ----------------------------------------------------------------------


@contextmanager
def pinging(served: Served, path: str) -> Iterator[list[int]]:
    """Ping as fast as one client can while the block runs; yield the statuses."""
    stop, statuses = threading.Event(), list[int]()

    def ping() -> None:
        while not stop.is_set():
            statuses.append(served.call("POST", path).status)

    thread = threading.Thread(target=ping)
    thread.start()
    yield statuses
    stop.set()
    thread.join()


def test_backup_while_pings_arrive_and_restore_elsewhere(
    serve: Serve, webhooks: Webhooks, tmp_path: Path
) -> None:
    old = serve(allow_private_targets="127.0.0.0/8")
    hook = {"name": "Hook", "kind": "webhook", "settings": {"url": webhooks.url}}
    channel = old.post("/channels", hook)
    webhooks.secret = channel["secrets"][0]
    old.post("/rules", {"channel_id": channel["id"]})
    webhooks.status = 503
    busy, broken = watch(old, "busy"), watch(old, "broken")
    assert old.call("POST", ping_path(broken) + "/fail").status == 200
    eventually(lambda: webhooks.came, what="the alert is tried")
    file = tmp_path / "copy.gz"
    with pinging(old, ping_path(busy)) as statuses:
        eventually(lambda: len(statuses) > 20, what="pings arrive")
        before = len(statuses)
        old.cli("backup", str(file))
    assert set(statuses) == {200}
    assert old.end(signal.SIGTERM) == 0
    webhooks.status, webhooks.came[:] = 200, []

    new = serve(begin=False, allow_private_targets="127.0.0.0/8")
    new.cli("restore", str(file))
    new.start()
    kept = len(pings_of(new, busy))
    assert before <= kept <= len(statuses)
    assert new.get("/watches/broken")["status"] == "down"
    assert new.call("POST", ping_path(broken)).status == 200
    eventually(lambda: webhooks.came, what="the recovery is told")
    assert webhooks.events("broken") == ["watch.recovered"]
