"""People, members, workspaces, plans and the audit log by the command line of the host."""

import csv
import io
import json
import re
import stat
from pathlib import Path

import pytest

from tests.cli.stub import Here


@pytest.fixture
def fresh(here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Here:
    """The command line with an empty data directory."""
    monkeypatch.delenv("DOGWATCH_SERVER")
    monkeypatch.setenv("DOGWATCH_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n" * 9))
    return here


def add(fresh: Here, name: str, *more: str) -> str:
    given = ("user", "add", f"{name}@example.org", "--password-stdin", *more)
    return str(fresh.json(*given)["id"])


def test_a_key_is_rotated(fresh: Here) -> None:
    first = fresh("key", "new", "--name", "ci", "--scopes", "read:jobs", "--days", "9").stdout
    second = fresh("key", "rotate", "ci", "--overlap-hours", "1").stdout
    assert first != second
    rows = {row["prefix"]: row for row in fresh.json("key", "ls")}
    assert not re.search(r"\.\d{3}Z", fresh("key", "ls").stdout), "in the reader's zone"
    old, new = rows[first[:16]], rows[second[:16]]
    assert (old["replaced_by"], new["scopes"]) == (new["id"], ["read:jobs"])
    assert old["expires_at"] < new["expires_at"]
    assert fresh("key", "revoke", "ci").returncode == 0
    assert all(row["revoked_at"] for row in fresh.json("key", "ls"))


def test_people_are_added_shut_out_and_made_admins(fresh: Here) -> None:
    add(fresh, "ada", "--admin", "--name", "Ada")
    add(fresh, "olga")
    rows = {row["email"]: row for row in fresh.json("user", "ls")}
    assert (rows["ada@example.org"]["admin"], rows["olga@example.org"]["admin"]) == (True, False)
    assert fresh("user", "disable", "ada@example.org").returncode == 4  # the last admin
    assert fresh.json("user", "admin", "olga@example.org")["admin"] is True
    assert fresh.json("user", "disable", "ada@example.org")["disabled_at"]
    assert fresh.json("user", "enable", "ada@example.org")["disabled_at"] is None
    assert fresh.json("user", "admin", "ada@example.org", "--no")["admin"] is False
    assert fresh("user", "password", "olga@example.org", "--password-stdin").returncode == 0
    assert fresh("user", "disable", "nobody@example.org").returncode == 3
    none = fresh("user", "second-factor", "ada@example.org", "--no")
    assert none.returncode == 0
    assert none.stderr == "dogwatch: ada@example.org has no second factor; nothing changed\n"
    assert fresh.json("user", "sessions", "ada@example.org") == []
    assert fresh("user", "sign-out", "ada@example.org").stdout == "0 sessions ended\n"
    assert fresh("user", "sign-out", "ada@example.org", "--session", "x").returncode == 3


def test_a_weak_password_is_refused(fresh: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    refused = fresh("user", "add", "ana@example.org", "--password-stdin")
    assert (refused.returncode, "at least 10" in refused.stderr) == (2, True)
    assert fresh("user", "add", "ana@example.org").returncode == 2  # nobody to be asked
    assert fresh.json("user", "ls") == []


def test_members_of_a_workspace(fresh: Here) -> None:
    """Owner, team mate and stranger."""
    for name in ("olga", "tim", "stan"):
        add(fresh, name)
    made = fresh.json("workspace", "add", "Shop", "--owner", "olga@example.org")
    shop = ("--workspace", "Shop")
    [olga] = fresh.json("member", "ls", *shop)
    assert (olga["email"], olga["role"]) == ("olga@example.org", "owner")
    assert fresh.json("member", "ls") == []
    assert fresh("member", "role", "olga@example.org", "viewer", *shop).returncode == 4
    assert fresh("member", "role", "stan@example.org", "owner", *shop).returncode == 3
    last = fresh("member", "rm", "olga@example.org", "--yes", "--workspace", str(made["id"]))
    assert last.returncode == 4
    assert fresh.json("member", "add", "stan@example.org", *shop)["role"] == "viewer"
    assert fresh("member", "add", "stan@example.org", *shop).returncode == 4
    assert fresh("member", "add", "nobody@example.org", *shop).returncode == 3
    assert fresh("member", "rm", "stan@example.org", "-y", *shop).returncode == 0
    link = fresh.json("member", "invite", "tim@example.org", "--role", "editor", *shop)["link"]
    assert "/invitations/" in link
    [kept] = fresh.json("member", "invitations", *shop)
    assert (kept["email"], kept["role"]) == ("tim@example.org", "editor")
    assert fresh("member", "uninvite", kept["id"], *shop).returncode == 0
    assert fresh.json("member", "invitations", *shop) == []
    assert fresh("member", "uninvite", kept["id"], *shop).returncode == 3


def test_a_workspace_from_its_making_to_its_end(fresh: Here, tmp_path: Path) -> None:
    fresh("workspace", "add", "Shop")
    assert fresh.json("workspace", "rename", "Shop", "Store")["name"] == "Store"
    assert fresh.json("plan", "assign", "Store", "pro")["plan"] == "pro"
    assert fresh("plan", "assign", "Store", "gold").returncode == 2
    assert {"free", "pro", "unlimited"} <= {row["name"] for row in fresh.json("plan", "ls")}
    file = tmp_path / "store.jsonl"
    key = fresh("key", "new", "--name", "k", "--workspace", "Store").stdout.strip()
    assert fresh.json("workspace", "export", "Store", str(file))["rows"] >= 2
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert rows[0][1]["name"] == "Store"
    assert key not in file.read_text()
    assert fresh("workspace", "rm", "Store").returncode == 2  # nobody to be asked
    last = tmp_path / "last.jsonl"
    gone = fresh.json("workspace", "rm", "Store", "--yes", "--export", str(last))
    assert gone["export"] == str(last)
    assert last.read_text().splitlines()[0] == file.read_text().splitlines()[0]
    assert stat.S_IMODE(last.stat().st_mode) == 0o600
    assert [row["name"] for row in fresh.json("workspace", "ls")] == ["Default"]
    assert fresh("workspace", "rm", "Store", "--yes").returncode == 3


def test_no_workspace_goes_without_an_export(fresh: Here, tmp_path: Path) -> None:
    """Asked for or not; and where it cannot be written, nothing is removed."""
    fresh("workspace", "add", "Shop")
    assert fresh("workspace", "rm", "Shop", "--yes", "--export", "/proc/none").returncode == 4
    assert len(fresh.json("workspace", "ls")) == 2
    said = fresh("workspace", "rm", "Shop", "--yes").stdout
    [copy] = (tmp_path / "data" / "removed").glob("workspace-2-*.jsonl")
    assert said == f"Shop is removed; what it held is in {copy}\n"
    assert json.loads(copy.read_text().splitlines()[0])[1]["name"] == "Shop"


def test_the_host_is_in_the_audit_log(fresh: Here) -> None:
    fresh("key", "new", "--name", "=ci")
    add(fresh, "ada")
    [noted] = fresh.json("audit-log")
    assert (noted["actor_kind"], noted["operation"], noted["object"]) == (
        "host",
        "keys.make",
        "=ci",
    )
    operations = [row["operation"] for row in fresh.json("audit-log", "--all")]
    assert operations == ["users.change", "keys.make"]
    for few in ("-n", "--limit"):
        assert [one["operation"] for one in fresh.json("audit-log", "--all", few, "1")] == [
            "users.change"
        ]
    sheet = fresh("audit-log", "--csv").stdout
    assert sheet.splitlines()[0].startswith("id,at,workspace_id,actor_kind")
    assert sheet.splitlines()[0].endswith(",actor_id,detail")
    assert ",'=ci," in sheet
    assert "host" in fresh("audit-log").stdout


def test_an_export_holds_the_whole_log(fresh: Here) -> None:
    for number in range(3):
        fresh("variable", "set", f"V{number}", "x")
    whole = list(csv.DictReader(io.StringIO(fresh("audit-log", "--csv").stdout)))
    assert len(fresh.json("audit-log", "--limit", "1")) == 1
    assert whole[0]["operation"] == "audit_log.export"
    assert len(whole) == len(fresh.json("audit-log"))
    assert fresh("audit-log", "--limit", "0").returncode == 2


def test_what_is_refused_is_not_noted(fresh: Here) -> None:
    assert fresh("key", "revoke", "none").returncode == 3
    assert fresh("key", "new", "--name", "x", "--scopes", "root").returncode == 2
    assert fresh.json("audit-log", "--all") == []
