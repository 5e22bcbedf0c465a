"""`dogwatch import crontab`: a plan, then exactly that plan, then nothing more to do."""

import json
from pathlib import Path
from typing import Any

import pytest

from dogwatch.cli.crontab import wrap_line
from dogwatch.core.crontab import parse
from tests.cli.stub import Here, Program, Request, Stub

SYSTEM = """\
SHELL=/bin/bash
MAILTO=ops
# Nightly dump
0 2 * * * root /usr/bin/pgdump --all
CRON_TZ=Europe/Berlin
@daily root cd /srv && make report > /dev/null
61 * * * * root broken
"""
USER = "*/5 * * * * /home/ana/sync.sh\n0 3 * * 0 mail -s hi ana%Dear Ana,%hello\n"


@pytest.fixture
def keeping(stub: Stub) -> Stub:
    """The stub, keeping what it is sent by slug."""
    answer = stub.answer

    def remember(request: Request) -> tuple[int, Any]:
        status, told = answer(request)
        if request.method in ("POST", "PATCH"):
            given = json.loads(request.body)
            path = f"{request.path}/{given['slug']}" if "slug" in given else request.path
            known = stub.replies.get(f"GET {path}", (200, {}))[1]
            stub.replies[f"GET {path}"] = (200, {**known, **given})
            return 201, given
        return status, told

    stub.answer = remember  # type: ignore[method-assign]  # the stub of one test
    return stub


@pytest.fixture
def system(tmp_path: Path) -> str:
    """A crontab with a user field."""
    (tmp_path / "backup").write_text(SYSTEM)
    return str(tmp_path / "backup")


@pytest.fixture
def user(tmp_path: Path) -> str:
    """A crontab without one."""
    (tmp_path / "ana").write_text(USER)
    return str(tmp_path / "ana")


def sent(stub: Stub) -> list[tuple[str, str]]:
    return [(item.method, item.path) for item in stub.requests if item.method != "GET"]


def test_the_plan_changes_nothing(here: Here, keeping: Stub, system: str) -> None:
    done = here("import", "crontab", system)
    assert done.returncode == 0
    assert sent(keeping) == []
    assert "2 of 2 to make or change. To do it, add --apply." in done.stdout
    assert f"{system}:7: " in done.stderr
    assert "0 2 * * * root dogwatch run backup-pgdump -- /usr/bin/pgdump --all" in done.stdout


def test_applied_twice_the_second_changes_nothing(here: Here, keeping: Stub, user: str) -> None:
    first = here("import", "crontab", "--apply", user)
    assert (first.returncode, sent(keeping)) == (0, [("POST", "/api/v1/watches")] * 2)
    second = here("import", "crontab", "--apply", user)
    assert second.returncode == 0
    assert "Nothing to change: 2 watches are as the files say." in second.stdout
    assert len(sent(keeping)) == 2


def test_zone_name_and_schedule_are_taken_over(here: Here, keeping: Stub, system: str) -> None:
    here("import", "crontab", "--apply", "--tz", "Asia/Tokyo", system)
    dump, report = (json.loads(item.body) for item in keeping.requests if item.method == "POST")
    assert dump == {
        "name": "Nightly dump",
        "slug": "backup-pgdump",
        "schedule": "0 2 * * *",
        "timezone": "Asia/Tokyo",
    }
    assert (report["schedule"], report["timezone"]) == ("@daily", "Europe/Berlin")


def test_a_line_that_is_left_out_is_exit_1_when_applied(
    here: Here, keeping: Stub, system: str
) -> None:
    assert here("import", "crontab", "--apply", system).returncode == 1


def test_a_changed_schedule_is_patched(here: Here, keeping: Stub, user: str) -> None:
    here("import", "crontab", "--apply", user)
    Path(user).write_text(USER.replace("*/5", "*/10"))
    plan = here.json("import", "crontab", user)
    assert [(item["do"], item["schedule"]) for item in plan["entries"]] == [
        ("change", "*/10 * * * *"),
        ("same", "0 3 * * 0"),
    ]
    here("import", "crontab", "--apply", user)
    assert sent(keeping)[-1] == ("PATCH", f"/api/v1/watches/{plan['entries'][0]['slug']}")
    assert here.json("import", "crontab", "--apply", user)["changes"] == 0


def test_jobs_do_what_cron_does(here: Here, keeping: Stub, user: str, system: str) -> None:
    here("import", "crontab", "--as", "job", "--apply", user, system)
    bodies = [json.loads(item.body) for item in keeping.requests if item.method == "POST"]
    assert {item[1] for item in sent(keeping)} == {"/api/v1/jobs"}
    assert bodies[1]["action"]["source"] == (
        "printf %s 'Dear Ana,\nhello\n' | {\nmail -s hi ana\n}"
    )
    assert bodies[2]["action"] == {
        "kind": "script",
        "language": "bash",
        "source": "/usr/bin/pgdump --all",
        "env": {},
    }


def test_the_format_can_be_said(here: Here, keeping: Stub, user: str) -> None:
    assert len(here.json("import", "crontab", "--user-format", user)["entries"]) == 2
    told = here.json("import", "crontab", "--system-format", user)
    assert [item["command"] for item in told["entries"]] == ["-s hi ana"]


def test_a_program_with_a_users_name_is_no_user_field(
    here: Here, keeping: Stub, tmp_path: Path
) -> None:
    (tmp_path / "tab").write_text("0 3 * * 0 sync -f /srv\n")
    entries = here.json("import", "crontab", str(tmp_path / "tab"))["entries"]
    assert [item["command"] for item in entries] == ["sync -f /srv"]


def test_standard_input(dogwatch: Program) -> None:
    done = dogwatch("import", "crontab", "-", "--json", stdin=USER)
    assert [item["from"] for item in json.loads(done.stdout)["entries"]] == ["-:1", "-:2"]


def test_two_files_never_share_a_slug(here: Here, keeping: Stub, user: str) -> None:
    slugs = [item["slug"] for item in here.json("import", "crontab", user, user)["entries"]]
    assert len(set(slugs)) == 4


def test_a_plan_needs_no_server_but_applying_does(here: Here, user: str) -> None:
    away = ("--server", "http://127.0.0.1:1")
    assert here("import", "crontab", user, *away).returncode == 0
    assert here("import", "crontab", "--apply", user, *away).returncode == 5


def test_a_missing_file_is_told(here: Here) -> None:
    done = here("import", "crontab", "/nowhere/crontab")
    assert (done.returncode, "No such file" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("command", "wrapped"),
    [
        ("/usr/bin/true -x", "dogwatch run t -- /usr/bin/true -x"),
        ("a && b", "dogwatch run t -- /bin/sh -c 'a && b'"),
        ("X=1 a", "dogwatch run t -- /bin/sh -c 'X=1 a'"),
        ("echo it's", """dogwatch run t -- /bin/sh -c 'echo it'"'"'s'"""),
        ("cd /srv", "dogwatch run t -- /bin/sh -c 'cd /srv'"),
        (r"date +\%F", r"dogwatch run t -- /bin/sh -c 'date +\%F'"),
        ("mail ana%Dear%Ana", "dogwatch run t -- mail ana%Dear%Ana"),
    ],
)
def test_a_wrapped_line_means_the_same_to_cron(command: str, wrapped: str) -> None:
    line = f"5 4 * * * {command}"
    entry = parse(line, system=False, name="t").entries[0]
    ours = wrap_line(line, entry).replace(f"run {entry.slug} ", "run t ")
    assert ours == f"5 4 * * * {wrapped}"
