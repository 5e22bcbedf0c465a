"""Keys are rotated beside a running server, which goes on as if nothing had happened."""

import base64
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Serve
from tests.eventually import eventually
from tests.harness.served import Served

CHANNEL: dict[str, Any] = {
    "name": "hook",
    "kind": "webhook",
    "settings": {"url": "https://hook.example/x"},
}
JOB: dict[str, Any] = {
    "name": "probe", "schedule": "0 2 * * *",
    "action": {"kind": "http", "url": "https://target.example/", "headers": {"X-Token": "t0ken"}},
}  # fmt: skip


@pytest.fixture
def served(serve: Serve) -> Served:
    """A server on SQLite with something sealed."""
    one = serve()
    one.post("/channels", CHANNEL)
    one.post("/jobs", JOB)
    one.cli("variable", "set", "TOKEN", "t0ken")
    return one


def secret(one: Served) -> str:
    return (one.data / "secret.key").read_text().strip()


def heads(data: Path) -> set[bytes]:
    """Return by which data keys the server's values are sealed."""
    with closing(sqlite3.connect(data / "dogwatch.db")) as db:
        found = db.execute(
            "SELECT sealed FROM channels UNION ALL SELECT action FROM jobs "
            "UNION ALL SELECT sealed FROM variables"
        )
        return {value[1:5] for (value,) in found}


def whole(one: Served) -> bool:
    """Whether everything sealed can be read."""
    assert [channel["name"] for channel in one.get("/channels")["data"]] == ["hook"]
    assert one.cli("variable", "get", "TOKEN").stdout == "t0ken"
    shown = one.get("/jobs/probe")
    return bool(shown["action"]["url"] == JOB["action"]["url"])


def test_the_secret_key_is_rotated_beside_a_running_server(served: Served) -> None:
    before = secret(served)
    served.cli("secret", "rotate")
    assert secret(served) != before
    assert (served.data / "secret.key").stat().st_mode & 0o777 == 0o600
    assert not (served.data / "secret.key.next").exists()
    assert whole(served)
    served.cli("key", "ls")
    served.stop()
    served.start()
    assert whole(served)
    served.stop()
    after = secret(served)
    (served.data / "secret.key").write_text(before)
    assert "belongs to the secret key" in served.cli("audit", code=4).stderr
    (served.data / "secret.key").write_text(after)


def test_a_rotation_cut_off_after_its_commit_is_finished(served: Served) -> None:
    before = secret(served)
    served.cli("secret", "rotate")
    after = secret(served)
    (served.data / "secret.key").rename(served.data / "secret.key.next")
    (served.data / "secret.key").write_text(before + "\n")
    (served.data / "secret.key").chmod(0o600)
    served.stop()
    served.start()
    assert (secret(served), whole(served)) == (after, True)
    assert not (served.data / "secret.key.next").exists()


def test_a_rotation_cut_off_before_its_commit_changes_nothing(served: Served) -> None:
    before = secret(served)
    left = served.data / "secret.key.next"
    left.write_text(base64.b64encode(b"n" * 32).decode())
    left.chmod(0o600)
    served.stop()
    served.start()
    assert (secret(served), whole(served)) == (before, True)
    served.cli("secret", "rotate")
    assert (secret(served) != before, left.exists(), whole(served)) == (True, False, True)


def test_a_new_data_key_seals_all_beside_a_running_server(served: Served) -> None:
    old = heads(served.data)
    assert len(old) == 1
    served.cli("secret", "rotate")
    served.cli("secret", "rotate", "--data-key")
    eventually(
        lambda: len(heads(served.data)) == 1 and heads(served.data) != old,
        within_s=60,
        what="all is sealed anew",
    )
    assert whole(served)
    copy = served.data.parent / "copy.gz"
    served.cli("backup", str(copy))
    served.cli("restore", str(copy), "--data", str(served.data.parent / "new"))
    served.stop()
    served.data.rename(served.data.parent / "old")
    (served.data.parent / "new").rename(served.data)
    served.start()
    assert whole(served)


def test_a_given_key_is_taken_and_one_in_the_environment_stays_the_operators(
    served: Served,
) -> None:
    key = base64.b64encode(b"g" * 32).decode()
    file = served.data.parent / "new.key"
    file.write_text(key)
    served.cli("secret", "rotate", "--key-file", str(file))
    assert (secret(served), whole(served)) == (key, True)
    refused = served.cli("secret", "rotate", code=4, DOGWATCH_SECRET_KEY=key)
    assert "give the new one by --key-file" in refused.stderr
    assert served.cli("secret", "rotate", "--data-key", "--key-file", str(file), code=2).stderr
    file.write_text("hunter2")
    said = served.cli("secret", "rotate", "--key-file", str(file), code=4).stderr
    assert ("openssl" in said, "hunter2" in said) == (True, False)


def test_nodes_on_postgresql_go_on_and_take_the_new_data_key(
    postgres_url: str, serve: Serve
) -> None:
    """The other node has the new secret key by then, as the manual says."""
    one = serve(database=postgres_url)
    two = serve(begin=False, database=postgres_url)
    two.data.mkdir(mode=0o700)
    hand_over(one, two)
    two.start()
    one.post("/channels", CHANNEL)
    one.post("/jobs", JOB)
    one.cli("secret", "rotate", "--database", postgres_url)
    assert whole(one)
    assert whole(two)
    hand_over(one, two)
    one.cli("secret", "rotate", "--data-key", "--database", postgres_url)
    two.post("/jobs", JOB | {"name": "another"})
    assert one.get("/jobs/another")["action"]["url"] == JOB["action"]["url"]
    assert whole(one)
    assert whole(two)


def hand_over(one: Served, two: Served) -> None:
    (two.data / "secret.key").write_text(secret(one))
    (two.data / "secret.key").chmod(0o600)
