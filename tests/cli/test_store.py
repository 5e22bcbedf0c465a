"""The commands that open the store themselves, without a running server."""

import contextlib
import gzip
import json
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from dogwatch.store import migrate
from dogwatch.store.database import Database
from dogwatch.store.migrate import HEAD
from dogwatch.usecases import backup, resting
from tests.cli.stub import Here
from tests.harness.house import NOON, House
from tests.harness.probing import Probing


@pytest.fixture
def fresh(here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Here:
    """The command line with an empty data directory."""
    monkeypatch.delenv("DOGWATCH_SERVER")
    monkeypatch.setenv("DOGWATCH_DATA", str(tmp_path / "data"))
    return here


def test_a_new_key_is_printed_alone_and_never_again(fresh: Here, tmp_path: Path) -> None:
    made = fresh("key", "new", "--name", "ci", "--scopes", "*")
    key = made.stdout.strip()
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout == f"{key}\n"
    assert key.startswith("dw_live_")
    listed = fresh("key", "ls")
    assert "ci" in listed.stdout
    assert key not in listed.stdout
    assert key.encode() not in (tmp_path / "data" / "dogwatch.db").read_bytes()


def test_keys_of_a_postgresql_store(fresh: Here, postgres_url: str) -> None:
    made = fresh("key", "new", "--name", "ci", "--database", postgres_url)
    assert made.stdout.startswith("dw_live_")
    [row] = fresh.json("key", "ls", "--database", postgres_url)
    assert (row["name"], row["scopes"]) == ("ci", ["*"])


def test_an_unknown_scope_names_the_valid_ones(fresh: Here) -> None:
    refused = fresh("key", "new", "--name", "ci", "--scopes", "read:watches,fly:kites")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "read:watches" in refused.stderr


def test_a_revoked_key_is_shown_as_revoked(fresh: Here) -> None:
    fresh("key", "new", "--name", "ci")
    assert fresh("key", "revoke", "ci").returncode == 0
    [row] = fresh.json("key", "ls")
    assert row["revoked_at"]
    assert fresh("key", "revoke", "ci").returncode == 3


def test_the_audit_of_an_empty_store_is_clean(fresh: Here) -> None:
    audited = fresh("audit")
    assert (audited.returncode, audited.stdout) == (
        0,
        "nothing lost, nothing doubled, everybody told\n",
    )
    assert fresh.json("audit") == []


def test_migrate_tells_the_revision(fresh: Here) -> None:
    assert fresh.json("migrate")["revision"] == HEAD


def test_tables_that_older_servers_work_on_are_brought_up_to_date_by_no_question(
    fresh: Here, tmp_path: Path
) -> None:
    fresh("migrate")
    url = f"sqlite:///{tmp_path / 'data' / 'dogwatch.db'}"
    migrate.downgrade(url, "0021")
    for asked in (("audit",), ("key", "ls"), ("backup", str(tmp_path / "copy.gz"))):
        refused = fresh(*asked)
        assert refused.returncode == 4
        assert "at revision 0021" in refused.stderr
        assert "dogwatch migrate" in refused.stderr
    assert migrate.current(url) == "0021"
    assert fresh.json("migrate")["revision"] == HEAD
    assert fresh("audit").returncode == 0


def test_a_worker_needs_postgresql(fresh: Here) -> None:
    refused = fresh("worker")
    assert refused.returncode == 4
    assert "postgresql" in refused.stderr


# --- backup and restore -----------------------------------------------------------------------


def test_a_backup_is_restored_into_an_empty_directory(fresh: Here, tmp_path: Path) -> None:
    key = fresh("key", "new", "--name", "ci").stdout
    file = tmp_path / "copy.gz"
    assert fresh("backup", str(file)).returncode == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    restored = fresh("restore", str(file), "--data", str(tmp_path / "new"))
    assert restored.returncode == 0, restored.stderr
    [row] = fresh.json("key", "ls", "--data", str(tmp_path / "new"))
    assert (row["name"], row["prefix"]) == ("ci", key[:16])
    secrets = [(tmp_path / name / "secret.key").read_text() for name in ("data", "new")]
    assert secrets[0] == secrets[1]


def test_a_backup_moves_to_postgresql(fresh: Here, tmp_path: Path, postgres_url: str) -> None:
    fresh("key", "new", "--name", "ci")
    file = tmp_path / "copy.gz"
    fresh("backup", str(file))
    flags = ("--database", postgres_url, "--data", str(tmp_path / "new"))
    told = fresh.json("restore", str(file), *flags)
    assert told["laid_to_rest"] == {"runs": 0, "alerts": 0, "actions": 0}
    assert [row["name"] for row in fresh.json("key", "ls", *flags)] == ["ci"]
    assert fresh("key", "new", "--name", "next", *flags).returncode == 0


@pytest.mark.parametrize("dies", [False, True])
def test_a_backup_of_older_tables_is_laid_to_rest_in_ours(
    fresh: Here, tmp_path: Path, dies: bool
) -> None:
    fresh("key", "new", "--name", "ci")
    with contextlib.closing(
        Database.open(f"sqlite:///{tmp_path / 'data' / 'dogwatch.db'}")
    ) as ours:
        Probing(House(ours)).make()
        made = ours.read(lambda tx: [*backup.copy(tx, "0021", None, NOON)]).result()
    new = tmp_path / "new"
    url = f"sqlite:///{new / 'dogwatch.db'}"
    if dies:  # once its rows are there
        new.mkdir(mode=0o700)
        shutil.copy(tmp_path / "data" / "secret.key", new)
        migrate.upgrade(url, "0021")
        with contextlib.closing(Database.open(url)) as store:
            store.write(lambda tx: resting.load(tx, made[1:], NOON)).result()
        assert fresh("migrate", "--data", str(new)).returncode == 0
    else:
        file = tmp_path / "copy.gz"
        file.write_bytes(gzip.compress("\n".join(made).encode()))
        shutil.copytree(tmp_path / "data", new, ignore=shutil.ignore_patterns("dogwatch.db*"))
        restored = fresh("restore", str(file), "--data", str(new))
        assert restored.returncode == 0, restored.stderr
    log = fresh.json("audit-log", "--all", "--data", str(new))
    assert [row["operation"] for row in log].count("instance.restore") == 1
    assert fresh("audit", "--data", str(new)).returncode == 0


def test_a_store_with_data_is_not_restored_into(fresh: Here, tmp_path: Path) -> None:
    file = tmp_path / "copy.gz"
    fresh("backup", str(file))
    refused = fresh("restore", str(file))
    assert refused.returncode == 4
    assert "not empty" in refused.stderr


@pytest.mark.parametrize(
    "spoil",
    [
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:200] + b"\xff" * 50 + whole[250:],
        lambda whole: b"not a backup",
        lambda whole: gzip.compress(b'{"hello": 1}\n'),
        lambda whole: gzip.compress(b"\n".join(gzip.decompress(whole).splitlines()[:-1])),
    ],
    ids=["cut", "garbled", "foreign", "other JSON", "last line missing"],
)
def test_a_damaged_backup_leaves_nothing_behind(
    fresh: Here, tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    file = tmp_path / "copy.gz"
    fresh("key", "new", "--name", "ci")
    fresh("backup", str(file))
    file.write_bytes(spoil(file.read_bytes()))
    data = str(tmp_path / "new")
    refused = fresh("restore", str(file), "--data", data)
    assert refused.returncode == 2
    assert "backup" in refused.stderr
    assert fresh.json("key", "ls", "--data", data) == []


def test_a_flipped_byte_anywhere_writes_nothing(fresh: Here, tmp_path: Path) -> None:
    file, new = tmp_path / "copy.gz", tmp_path / "new"
    fresh("backup", str(file))
    whole = file.read_bytes()
    for place in range(12, len(whole), 97):
        spoilt = bytearray(whole)
        spoilt[place] ^= 0xFF
        file.write_bytes(spoilt)
        refused = fresh("restore", str(file), "--data", str(new))
        assert (refused.returncode, "damaged" in refused.stderr) == (2, True), place
        assert not new.exists()


def test_a_backup_of_a_newer_form_says_which_program_made_it(fresh: Here, tmp_path: Path) -> None:
    file = tmp_path / "copy.gz"
    fresh("backup", str(file))
    head, *rest = gzip.decompress(file.read_bytes()).splitlines()
    newer = json.dumps({**json.loads(head), "form": 99, "version": "9.9"}).encode()
    file.write_bytes(gzip.compress(b"\n".join([newer, *rest])))
    refused = fresh("restore", str(file), "--data", str(tmp_path / "new"))
    assert refused.returncode == 2
    assert "9.9" in refused.stderr
