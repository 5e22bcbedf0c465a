"""One process: whom it shares its directory with, what it leaves there, how soon it ends."""

import base64
import os
import stat
import subprocess
import threading
import time
from pathlib import Path

from tests.eventually import eventually
from tests.harness.postgres import PostgresServer
from tests.harness.served import PROMPT_S, START_S, STOP_S, Served, listening
from tests.runners.boxes import sandbox_of_this_process


def refusal(served: Served, *flags: str) -> str:
    """Return what a further server on the same data says as it refuses to start."""
    done = served.cli("up", "--data", str(served.data), *flags, code=None)
    assert done.returncode == 4, done
    assert "Traceback" not in done.stderr
    return done.stderr


def modes(directory: Path) -> dict[str, str]:
    """Return the permission bits of all that lies in a directory."""
    return {
        path.name: f"{stat.S_IMODE(path.stat().st_mode):o}" for path in sorted(directory.iterdir())
    }


def test_a_second_server_on_the_same_data_is_refused(served: Served) -> None:
    served.start()
    assert f"another Dogwatch is using {served.data}" in refusal(served, "--listen", "127.0.0.1:0")
    assert served.call("GET", "/healthz").status == 200


def test_a_second_server_on_the_same_file_is_refused(served: Served, tmp_path: Path) -> None:
    served.start()
    (tmp_path / "alias.db").symlink_to(served.data / "dogwatch.db")
    other = Served(tmp_path / "other")
    for path in (served.data / "dogwatch.db", tmp_path / "alias.db"):
        said = refusal(other, "--listen", "127.0.0.1:0", "--database", f"sqlite:///{path}")
        assert f"another Dogwatch is using {served.data.resolve() / 'dogwatch.db'}" in said
    assert served.call("GET", "/healthz").status == 200


def test_a_directory_that_others_can_write_is_told(served: Served) -> None:
    served.data.mkdir()
    served.data.chmod(0o777)
    served.start()
    assert f"chmod go-w {served.data}" in served.log.read_text()


def test_it_waits_for_a_database_that_is_away(postgres: PostgresServer, tmp_path: Path) -> None:
    node = Served(tmp_path / "node", {"database": postgres.url("late")})
    starting = threading.Thread(target=node.start)
    starting.start()
    try:
        eventually(
            lambda: node.log.exists() and "waiting for the database" in node.log.read_text(),
            within_s=60,
            what="it says that it waits",
        )
        postgres.create("late")
        starting.join(60)
        assert node.call("GET", "/healthz").status == 200
        assert node.stop() == 0
    finally:
        if node.process is not None:
            node.kill9()
        starting.join()
        postgres.drop("late")


def test_a_port_in_use_is_named_and_nothing_is_run(served: Served, tmp_path: Path) -> None:
    served.start()
    other = Served(tmp_path / "other")
    said = refusal(other, "--listen", f"127.0.0.1:{served.port}")
    assert f"cannot listen on 127.0.0.1:{served.port}: Address already in use; choose" in said
    assert "choose another --listen" in said


def test_no_key_is_made_for_a_store_that_has_one(served: Served) -> None:
    served.start()
    served.stop()
    key = served.data / "secret.key"
    key.unlink()
    said = refusal(served)
    assert "belongs to the secret key" in said
    assert f"{key} is not there; copy secret.key from the first node" in said
    assert not key.exists()
    assert "is not there" in served.cli("audit", code=4).stderr
    assert not key.exists()


def test_another_secret_key_is_refused(served: Served) -> None:
    served.start()
    served.stop()
    (served.data / "secret.key").write_text(base64.b64encode(b"k" * 32).decode())
    said = refusal(served)
    assert "copy secret.key from the first node's data directory" in said
    assert "or set DOGWATCH_SECRET_KEY" in said


def test_a_file_that_is_no_database_is_told(served: Served) -> None:
    served.data.mkdir(mode=0o700)
    (served.data / "dogwatch.db").write_text("this is no database at all " * 999)
    for words in (["up"], ["audit"], ["key", "ls"]):
        done = served.cli(*words, code=5)
        assert "not a database; restore a backup" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_damaged_database_is_told(served: Served) -> None:
    served.start()
    served.stop()
    file = served.data / "dogwatch.db"
    whole = file.read_bytes()
    file.write_bytes(whole[:4096] + b"\xa5" * (len(whole) - 4096))
    for words in (["up"], ["audit"]):
        done = served.cli(*words, code=5)
        assert "damaged; restore a backup" in done.stderr
        assert "Traceback" not in done.stderr


def test_what_it_leaves_is_for_its_owner_alone(served: Served) -> None:
    os.umask(0o022)
    served.start()
    found = modes(served.data)
    assert {"cli.key", "dogwatch.db", "secret.key", "server.lock", "server.url"} <= found.keys()
    assert {name: mode for name, mode in found.items() if mode != "600"} == {}
    assert stat.S_IMODE(served.data.stat().st_mode) == 0o700


def test_a_key_of_the_command_line_that_is_no_good_is_made_anew(served: Served) -> None:
    served.start()
    kept = served.key
    served.stop()
    served.start()
    assert served.key == kept
    served.stop()
    (served.data / "cli.key").write_text("dw_live_nonsense\n")
    served.start()
    assert served.call("GET", "/api/v1/watches").status == 200


def test_idle_it_ends_at_once(served: Served) -> None:
    served.start()
    began = time.monotonic()
    assert served.stop() == 0
    assert time.monotonic() - began < PROMPT_S
    assert not listening(served.port)


def test_a_stopped_server_of_root_leaves_nothing_in_memory(served: Served) -> None:
    sandbox = sandbox_of_this_process()
    served.flags = {"sandbox": "bubblewrap"}
    served.start()
    place = sandbox.workdir(served.data)
    assert place.is_dir() == sandbox.drops
    assert served.stop() == 0
    assert not place.exists()


def test_leftovers_of_killed_runs_are_cleared(served: Served) -> None:
    left = served.data / "work" / "run-left" / "home"
    left.mkdir(parents=True, mode=0o700)
    (left / "big").write_text("x")
    served.start()
    assert list((served.data / "work").iterdir()) == []


def test_beside_another_on_one_postgresql_nothing_is_cleared(
    postgres_url: str, tmp_path: Path
) -> None:
    first = Served(tmp_path / "node", {"database": postgres_url})
    second = Served(tmp_path / "node", {"database": postgres_url})
    try:
        first.start()
        busy = first.data / "work" / "run-busy"
        busy.mkdir(parents=True)
        second.start()
        assert busy.is_dir()
        assert (first.stop(), second.stop()) == (0, 0)
    finally:
        for one in (first, second):
            if one.process is not None:
                one.kill9()


def test_an_interrupt_while_it_starts_ends_it(served: Served) -> None:
    process = subprocess.Popen(
        [*served.program, "up", "--data", str(served.data), "--listen", served.url[7:]],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=served.environ,
    )  # fmt: skip
    try:
        begun = served.data / "server.lock"
        eventually(begun.exists, within_s=START_S, what="it begins")
        process.terminate()
        process.wait(STOP_S)
    finally:
        process.kill()
        process.wait()
    assert process.returncode in (0, -15)


def test_a_worker_says_that_it_has_joined(postgres_url: str, tmp_path: Path) -> None:
    first, new = Served(tmp_path / "first"), Served(tmp_path / "new")
    first.cli("migrate", "--database", postgres_url)
    said = new.cli("worker", "--database", postgres_url, code=4).stderr
    assert "copy secret.key from the first node's data directory" in said
    assert not (new.data / "secret.key").exists()
    (new.data / "secret.key").write_bytes((first.data / "secret.key").read_bytes())
    (new.data / "secret.key").chmod(0o600)
    with new.log.open("wb") as log:
        process = subprocess.Popen(
            [*new.program, "worker", "--database", postgres_url],
            stdout=log, stderr=log, env=new.environ,
        )  # fmt: skip
    try:
        eventually(
            lambda: "works on the database with the others" in new.log.read_text(),
            within_s=60,
            what="it has joined",
        )
    finally:
        process.terminate()
        assert process.wait(60) == 0
