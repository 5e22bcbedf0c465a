"""The root: light, complete, and one place for exit codes."""

import errno
import re
from importlib import import_module
from importlib.util import find_spec
from typing import get_args

import click
import pytest

from dogwatch.cli import COMMANDS
from dogwatch.cli.exits import CODES, kind_of, report
from dogwatch.cli.session import Command
from dogwatch.core.problems import Kind
from tests.cli.stub import Here, Program, Stub

PRESENT = sorted(
    name for name, (module, _) in COMMANDS.items() if find_spec(f"dogwatch.cli.{module}")
)
HEAVY = {
    *("sqlalchemy", "fastapi", "pydantic", "uvicorn", "pycurl", "cryptography", "rich"),
    *("http.client", "tomllib", "asyncio"),
}


def test_help_lists_every_command_and_ends_with_examples(here: Here) -> None:
    done = here("--help")
    assert done.returncode == 0
    assert all(f"\n  {name} " in done.stdout for name in COMMANDS)
    assert done.stdout.rstrip().splitlines()[-1].startswith("  dogwatch run ")


def test_help_imports_no_command_and_nothing_heavy(dogwatch: Program) -> None:
    probe = "import sys, atexit; atexit.register(lambda: print(*sys.modules, file=sys.stderr))"
    run = "from dogwatch.cli import main; main(['--help'])"
    done = dogwatch.shell(f'exec "$0" -c "{probe}; {run}"')
    loaded = set(done.stderr.split())
    assert "dogwatch.cli.session" in loaded
    assert loaded.isdisjoint(HEAVY)
    assert loaded.isdisjoint(f"dogwatch.cli.{module}" for module, _ in COMMANDS.values())


@pytest.mark.parametrize("name", PRESENT)
def test_the_table_names_what_is_there(name: str) -> None:
    command = getattr(
        import_module(f"dogwatch.cli.{COMMANDS[name][0]}"), f"{name.replace('-', '_')}_command"
    )
    assert isinstance(command, click.Command)
    assert command.name == name


def pages(command: click.Command, words: tuple[str, ...]) -> list[tuple[tuple[str, ...], Command]]:
    if isinstance(command, click.Group):
        return [
            page
            for sub in command.commands.values()
            for page in pages(sub, (*words, sub.name or ""))
        ]
    assert isinstance(command, Command)
    return [(words, command)]


@pytest.mark.parametrize("name", PRESENT)
def test_every_help_page_ends_with_its_examples(here: Here, name: str) -> None:
    module = import_module(f"dogwatch.cli.{COMMANDS[name][0]}")
    for words, command in pages(getattr(module, f"{name.replace('-', '_')}_command"), (name,)):
        page = here(*words, "--help").stdout
        examples = command.examples
        assert len(set(examples)) == len(examples) >= 3
        assert not any(example.count(" --data ") > 1 for example in examples)
        assert not (words[-1] == "pause" and re.search(r"\d{4}-", page)), "good for a year at most"
        assert [line.strip() for line in page.splitlines()[-len(examples) :]] == examples
        assert any(example.startswith(" ".join(("dogwatch", *words))) for example in examples)


def test_version(here: Here) -> None:
    assert here("--version").stdout.startswith("dogwatch 0.")


@pytest.mark.parametrize("words", [["nonsense"], ["ls", "--nonsense"], ["show"]])
def test_usage_errors_are_2(here: Here, words: list[str]) -> None:
    done = here(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (["triger", "x"], "trigger"),
        (["job", "shwo"], "show"),
        (["channel", "add", "slak"], "slack"),
    ],
)
def test_the_nearest_name_is_told(here: Here, words: list[str], near: str) -> None:
    assert here(*words).stderr.endswith(f"Did you mean '{near}'?\n")


def test_a_group_tells_whole_sentences(here: Here) -> None:
    told = " ".join(here("workflow", "--help").stdout.split())
    assert "validate Judge files without a server; whether the jobs exist, apply finds out." in told


def test_json_is_taken_before_and_after_the_command(here: Here) -> None:
    before, after = here("--json", "config"), here("config", "--json")
    assert before.stdout == after.stdout
    assert before.stdout.startswith("[")


def test_no_answer_is_printed_where_none_is_wanted(here: Here, stub: Stub) -> None:
    for words in (["-q", "config"], ["config", "-q"], ["config", "--json", "-q"]):
        assert (here(*words).returncode, here(*words).stdout) == (0, "")
    wrong = here("-q", "show", "nothing")
    assert (wrong.returncode, wrong.stdout, bool(wrong.stderr)) == (3, "", True)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_names(here: Here, dogwatch: Program, shell: str) -> None:
    assert f"_DOGWATCH_COMPLETE={shell}_complete" in here("completion", shell).stdout
    asked = "import sys; sys.argv = ['dogwatch']; from dogwatch.cli import main; main()"
    after = "import atexit; atexit.register(lambda: print(*sys.modules, file=sys.stderr))"
    at = "sno" if shell == "fish" else "1"  # fish tells the word itself
    words = f'_DOGWATCH_COMPLETE={shell}_complete COMP_WORDS="dogwatch sno" COMP_CWORD={at}'
    done = dogwatch.shell(f'exec env {words} "$0" -c "import sys; {after}; {asked}"')
    assert "snooze" in done.stdout
    assert "secret" not in done.stdout
    assert set(done.stderr.split()).isdisjoint(HEAVY)


def test_every_kind_of_problem_has_a_code() -> None:
    assert set(CODES) == set(get_args(Kind))


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, 2), (401, 4), (403, 4), (404, 3), (409, 4), (422, 2), (429, 4), (500, 5), (503, 5)],
)
def test_statuses_have_codes(here: Here, stub: Stub, status: int, code: int) -> None:
    assert CODES[kind_of(status)] == code
    stub.replies["GET /api/v1/watches"] = (status, {"title": "No", "detail": "because"})
    done = here("ls")
    assert (done.returncode, done.stdout) == (code, "")
    assert "because" in done.stderr


def test_no_server_is_5_and_says_what_to_do(here: Here) -> None:
    done = here("ls", "--server", "http://127.0.0.1:1")
    assert done.returncode == 5
    assert "http://127.0.0.1:1" in done.stderr
    assert "is it up?" in done.stderr


@pytest.mark.parametrize("server", ["localhost:8000", "ftp://x", "http://x:port"])
def test_a_wrong_address_is_2(here: Here, server: str) -> None:
    assert here("ls", "--server", server).returncode == 2


def test_a_file_of_another_user_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(PermissionError(errno.EACCES, "Permission denied", "/data/server.url")) == 4
    assert capsys.readouterr().err == "dogwatch: cannot use /data/server.url: Permission denied\n"


def test_a_reader_that_leaves_is_no_error(dogwatch: Program) -> None:
    done = dogwatch.shell('"$0" -m dogwatch.cli explain "* * * * *" -n 1000 | head -n 1')
    assert (done.stdout, done.stderr) == ("Every minute, UTC\n", "")


def test_help_names_the_environment(here: Here) -> None:
    page = here("--help").stdout
    assert all(f"DOGWATCH_{name} " in page for name in ("KEY", "SERVER", "PING_URL", "DATA"))


@pytest.mark.parametrize("words", [("key", "new"), ("backup",), ("audit",), ("restore",)])
def test_a_help_page_says_its_own_options_first_and_points_to_the_servers(
    here: Here, words: tuple[str, ...]
) -> None:
    page = here(*words, "--help").stdout
    assert page.index("--json") < page.index("Server settings:")
    assert "--http-concurrency" not in page
    assert len(page.splitlines()) < 40


def test_the_page_of_the_server_lists_its_settings(here: Here) -> None:
    page = here("worker", "--help").stdout
    assert page.index("--json") < page.index("Server settings:") < page.index("--http-concurrency")
