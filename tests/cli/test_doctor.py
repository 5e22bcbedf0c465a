"""`dogwatch doctor` and `dogwatch config`: what is wrong, where it comes from, what to do."""

import base64
from pathlib import Path

from tests.cli.stub import Here, Program


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
    assert checks == ["settings", "data", "cli.key", "zones", "spool", "server"]


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
    assert done.stderr == "dogwatch: DOGWATCH_LISTENN is not a setting of Dogwatch\n"


def test_a_wrong_setting_is_2(dogwatch: Program) -> None:
    done = dogwatch("config", "--http-concurrency", "0", DOGWATCH_SCRIPTS="maybe")
    assert done.returncode == 2
    assert "--http-concurrency: '0' is not valid" in done.stderr
    assert "DOGWATCH_SCRIPTS: 'maybe' is not valid" in done.stderr
