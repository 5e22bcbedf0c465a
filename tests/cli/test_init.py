"""`dogwatch init`: the first person without a browser, or a link for one."""

import io
import stat
from pathlib import Path

import pytest

from tests.cli.stub import Here

PASSWORD = "four kinds of tea"


@pytest.fixture
def fresh(here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Here:
    """The command line with an empty data directory, and a password on standard input."""
    monkeypatch.delenv("DOGWATCH_SERVER")
    monkeypatch.setenv("DOGWATCH_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    return here


ANA = ("init", "--email", "ana@example.org", "--password-stdin")


def test_the_first_person_is_made_once(fresh: Here, tmp_path: Path) -> None:
    made = fresh(*ANA)
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout == "ana@example.org is the admin; sign in at http://127.0.0.1:8000/login\n"
    assert PASSWORD.encode() not in (tmp_path / "data" / "dogwatch.db").read_bytes()
    again = fresh("init", "--email", "eve@example.org")
    assert again.returncode == 2


def test_links_lead_to_where_the_server_listens(fresh: Here, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / "server.url").write_text("http://127.0.0.1:18731\n")
    assert fresh("init").stdout.startswith("http://127.0.0.1:18731/setup?code=")
    told = fresh("init", "--base-url", "https://watch.example")
    assert told.stdout.startswith("https://watch.example/setup?code=")


def test_it_is_refused_once_somebody_is_here(fresh: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh(*ANA)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    for words in (ANA, ("init",)):
        refused = fresh(*words)
        assert (refused.returncode, refused.stdout) == (4, "")
        assert "this instance is set up" in refused.stderr


def test_on_postgresql(fresh: Here, postgres_url: str) -> None:
    assert fresh(*ANA, "--database", postgres_url).returncode == 0
    assert fresh("init", "--database", postgres_url).returncode == 4


def test_a_link_is_printed_and_kept_until_somebody_is_here(fresh: Here, tmp_path: Path) -> None:
    file = tmp_path / "data" / "setup.url"
    first, second = fresh("init", "--base-url", "https://watch.example.org"), fresh("init")
    assert first.stdout.startswith("https://watch.example.org/setup?code=")
    assert second.stdout.startswith("http://127.0.0.1:8000/setup?code=")
    assert file.read_text() == second.stdout
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert fresh(*ANA).returncode == 0
    assert not file.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--email", "ana@example.org"), "--password-stdin"),
        (("--email", "nobody", "--password-stdin"), "email"),
    ],
)
def test_what_is_wrong_is_told(fresh: Here, words: tuple[str, ...], said: str) -> None:
    refused = fresh("init", *words)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert said in refused.stderr


def test_a_weak_password_is_told(fresh: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    refused = fresh(*ANA)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "at least 10 characters" in refused.stderr
