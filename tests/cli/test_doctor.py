"""`dogwatch doctor` and `dogwatch config`: what is wrong, where it comes from, what to do."""

import base64
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from dogwatch.store.database import Database
from dogwatch.usecases import outside
from tests.cli.stub import Here, Program, Stub
from tests.harness.postgres import ADMIN, ROLE


def test_a_healthy_house_is_0(here: Here, home: Path) -> None:
    (home / "cli.key").chmod(0o600)
    done = here("doctor")
    assert (done.returncode, "✕" in done.stdout) == (0, False)


def test_each_fault_says_what_to_do(dogwatch: Program, home: Path) -> None:
    (home / "cli.key").chmod(0o644)
    (home / "spool").mkdir()
    (home / "spool" / "1.json").write_text("{}")
    done = dogwatch("doctor", DOGWATCH_LISTEN="x", DOGWATCH_SERVER="http://127.0.0.1:1")
    assert done.returncode == 1
    assert f"chmod 600 {home}/cli.key" in done.stdout
    assert "dogwatch ping --flush" in done.stdout
    assert "start it: dogwatch up" in done.stdout
    assert "DOGWATCH_LISTEN: 'x' is not valid" in done.stdout


def test_doctor_in_json(here: Here, home: Path) -> None:
    (home / "cli.key").chmod(0o600)
    checks = [item["check"] for item in here.json("doctor")]
    assert checks == [
        "settings", "data", "cli.key", "database", "key", "wall", "mail", "scripts", "user",
        "locations", "outside", "zones", "spool",
        "server",
    ]  # fmt: skip


def test_before_the_first_start_nothing_is_amiss_but_the_server(
    dogwatch: Program, tmp_path: Path
) -> None:
    nowhere = tmp_path / "not" / "there"
    done = dogwatch("doctor", "--data", str(nowhere), DOGWATCH_SERVER="http://127.0.0.1:1")
    assert f"✓ data: {nowhere} is not there yet; dogwatch up makes it" in done.stdout
    assert "✓ database: not there yet; dogwatch up makes it" in done.stdout
    assert "✓ locations: nothing is asked anywhere: there is no database yet" in done.stdout
    assert [line[:8] for line in done.stdout.splitlines() if "✕" in line] == ["✕ server"]
    assert not nowhere.exists(), "who only looks makes nothing"


def test_doctor_looks_into_the_database(here: Here, home: Path) -> None:
    here("migrate")
    assert "✓ database: whole, at revision" in here("doctor").stdout
    file = home / "dogwatch.db"
    whole = file.read_bytes()
    file.write_bytes(whole[:-4096] + b"\xa5" * 4096)
    assert "✕ database: the database" in here("doctor").stdout
    file.write_text("no database " * 1000)
    found = here("doctor").stdout
    assert "✕ database: the database cannot be opened now: the file is not a database" in found
    assert "restore a backup" in found
    assert "locations: " not in found, "what cannot be read is told once"


def test_doctor_tells_whether_postgresql_keeps_workspaces_apart(
    here: Here, monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    monkeypatch.setenv("DOGWATCH_DATABASE_URL", postgres_url)
    assert "✓ wall: PostgreSQL keeps the workspaces apart, too" in here("doctor").stdout
    other = postgres_url.replace(f"{ROLE}@", f"{ADMIN}@")
    open_to_us = here("doctor", "--database", other).stdout
    assert f"✕ wall: the role {ADMIN} is a superuser" in open_to_us
    assert "do: give Dogwatch a role of its own" in open_to_us


def test_a_database_without_writes_and_a_pooler_that_drops_settings_are_named(
    here: Here, monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    without = f"{postgres_url}?options=-c%20default_transaction_read_only%3Don"
    assert (
        "✕ database: the database takes no writes" in here("doctor", "--database", without).stdout
    )
    monkeypatch.setenv(
        "DOGWATCH_DATABASE_URL", f"{postgres_url}?options=-c%20dogwatch.workspace%3D"
    )
    refused = here("audit")
    assert (refused.returncode, "a pooler" in refused.stderr) == (4, True)
    assert "✕ wall: a pooler before PostgreSQL drops" in here("doctor").stdout


def test_doctor_knows_a_secret_key_that_is_not_the_databases(here: Here, home: Path) -> None:
    here("migrate")
    assert "✓ key: the secret key here is the database's" in here("doctor").stdout
    key = home / "secret.key"
    for other in (lambda: key.write_text(base64.b64encode(b"k" * 32).decode()), key.unlink):
        other()
        found = here("doctor").stdout
        assert "✕ key: the database belongs to another secret key" in found
        assert "copy secret.key" in found


def test_doctor_knocks_at_the_mail_server(dogwatch: Program, stub: Stub) -> None:
    assert "✓ mail: no mail server is set (DOGWATCH_SMTP_URL)" in dogwatch("doctor").stdout
    there = f"smtp://ana:CANARY@127.0.0.1:{stub.port}?from=a@b.example"
    assert f"✓ mail: 127.0.0.1:{stub.port} answers" in dogwatch(
        "doctor", DOGWATCH_SMTP_URL=there
    ).stdout  # fmt: skip
    away = dogwatch("doctor", DOGWATCH_SMTP_URL="smtp://ana:CANARY@127.0.0.1:1?from=a@b.example")
    assert "✕ mail: 127.0.0.1:1" in away.stdout
    assert "CANARY" not in away.stdout + away.stderr


def test_doctor_tells_whether_anybody_outside_is_told(
    here: Here, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "✓ outside: not set (DOGWATCH_OUTSIDE_HEARTBEAT_URL)" in here("doctor").stdout
    monkeypatch.setenv("DOGWATCH_OUTSIDE_HEARTBEAT_URL", "https://hc.example/CANARY")
    assert "✓ outside: https://hc.example/***: never asked yet" in here("doctor").stdout
    here("migrate")
    database = Database.open(f"sqlite:///{home}/dogwatch.db")
    for minutes, fault, found in (
        (1, "", "✓ outside: https://hc.example/*** answered at 2"),
        (5, "", "✕ outside: https://hc.example/***: nobody outside was told since 2"),
        (0, "status 500", "✕ outside: https://hc.example/***: the outside heartbeat fails: status"),
    ):
        at = datetime.now(UTC) - timedelta(minutes=minutes)
        tell = partial(outside.turn, at=at, address="https://hc.example/***", problems=[])
        database.write(tell).result()
        database.write(partial(outside.note, at=at, fault=fault)).result()
        done = here("doctor")
        assert found in done.stdout
        assert "CANARY" not in done.stdout + done.stderr
    at = datetime.now(UTC)
    database.write(partial(outside.note, at=at, fault="")).result()
    monkeypatch.setenv("DOGWATCH_OUTSIDE_HEARTBEAT_URL", "http://other.example/CANARY")
    told = here("doctor").stdout
    assert "✓ outside: https://hc.example/*** answered at 2" in told
    assert (
        "UTC; a server started from here would tell http://other.example/***, the one that ran "
        "last told https://hc.example/***\n"
    ) in told
    monkeypatch.delenv("DOGWATCH_OUTSIDE_HEARTBEAT_URL")
    told = here("doctor").stdout
    assert "✓ outside: https://hc.example/*** answered at 2" in told
    assert "a server started from here would tell" not in told
    database.write(outside.forget).result()
    assert "✓ outside: not set (DOGWATCH_OUTSIDE_HEARTBEAT_URL)" in here("doctor").stdout
    database.close()


def test_doctor_warns_of_a_directory_that_others_can_write(here: Here, home: Path) -> None:
    home.chmod(0o777)
    assert f"chmod go-w {home}" in here("doctor").stdout


def test_config_tells_value_and_source(here: Here, home: Path) -> None:
    (home / "dogwatch.toml").write_text('log_level = "debug"')
    rows = {row["name"]: row for row in here.json("config", "--listen", "[::1]:1")}
    assert rows["listen"] == {"name": "listen", "value": "[::1]:1", "source": "--listen"}
    assert rows["log_level"]["source"] == f"{home}/dogwatch.toml:log_level"
    assert rows["data"]["source"] == "DOGWATCH_DATA"


def test_config_masks_and_warns(dogwatch: Program) -> None:
    key = base64.b64encode(b"hunter2 " * 4).decode()
    done = dogwatch("config", DOGWATCH_SECRET_KEY=key, DOGWATCH_LISTENN="x")
    assert "***" in done.stdout
    assert key not in done.stdout + done.stderr
    assert (
        "dogwatch: DOGWATCH_LISTENN is not a setting of Dogwatch; see dogwatch config\n"
        in done.stderr
    )
    assert "one that runs keeps its own" in done.stderr


def test_a_wrong_setting_is_2(dogwatch: Program) -> None:
    done = dogwatch("config", "--http-concurrency", "0", DOGWATCH_SCRIPTS="maybe")
    assert done.returncode == 2
    assert "--http-concurrency: '0' is not valid" in done.stderr
    assert "DOGWATCH_SCRIPTS: 'maybe' is not valid" in done.stderr


def test_doctor_names_watches_whose_schedule_cannot_be_followed(
    dogwatch: Program, stub: Stub
) -> None:
    faulty = {"slug": "tape", "schedule_fault": "timezone: not an IANA time zone name"}
    well = {"slug": "disk", "schedule_fault": None}
    page = {"data": [well, faulty], "next_cursor": None}
    stub.replies |= {"GET /api/v1/workspace": (200, {}), "GET /api/v1/watches": (200, page)}
    done = dogwatch("doctor", DOGWATCH_SERVER=stub.url)
    assert done.returncode == 1
    assert "✕ schedule: tape: timezone: not an IANA" in done.stdout
    assert "dogwatch edit tape" in done.stdout
    assert "disk" not in done.stdout
