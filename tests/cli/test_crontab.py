"""`dogwatch import crontab`: a plan, then exactly that plan, then nothing more to do."""

import json
import os
import pwd
import re
from pathlib import Path
from typing import Any

import pytest

from dogwatch.core.crontab import parse, wrap_line
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
ME = pwd.getpwuid(os.geteuid()).pw_name
USER = "*/5 * * * * /home/ana/sync.sh\n0 3 * * 0 mail -s hi ana%Dear Ana,%hello\n"


@pytest.fixture
def keeping(stub: Stub) -> Stub:
    """The stub, keeping what it is sent; scripts run as whoever runs the tests."""
    answer = stub.answer
    watches: list[dict[str, Any]] = []
    stub.replies["GET /api/v1/watches"] = (200, {"data": watches, "next_cursor": None})
    stub.replies["GET /api/v1/workspace"] = (200, {"ping_key": "wskey", "scripts_run_as": ME})

    def remember(request: Request) -> tuple[int, Any]:
        status, told = answer(request)
        if request.method == "POST":
            new = json.loads(request.body)
            kind = "job" if request.path.endswith("jobs") else "heartbeat"
            url = f"{stub.url}/ping/Key{len(watches)}"
            watches.append({"kind": kind, "ping_url": url, "description": "", **new})
            return 201, new
        if request.method == "PATCH":
            (watch,) = [one for one in watches if request.path.endswith(f"/{one['slug']}")]
            watch |= json.loads(request.body)
            return 200, watch
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
    assert dump.pop("description").endswith(f":{system}, user root: pgdump #190b")
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


def test_jobs_do_what_cron_does(here: Here, keeping: Stub, user: str, tmp_path: Path) -> None:
    system = tmp_path / "dump"
    system.write_text(f"SHELL=/bin/bash\nMODE=1\n0 2 * * * {ME} /usr/bin/pgdump --all\n")
    here("import", "crontab", "--as", "job", "--apply", user, str(system))
    bodies = [json.loads(item.body) for item in keeping.requests if item.method == "POST"]
    assert {item[1] for item in sent(keeping)} == {"/api/v1/jobs"}
    assert bodies[1]["action"]["source"] == (
        "printf %s 'Dear Ana,\nhello\n' | {\nmail -s hi ana\n}"
    )
    assert bodies[2]["action"] == {
        "kind": "script",
        "language": "bash",
        "source": "/usr/bin/pgdump --all",
        "env": {"MODE": "1"},
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


def test_standard_input(dogwatch: Program, keeping: Stub) -> None:
    done = dogwatch("import", "crontab", "-", "--json", stdin=USER)
    assert [item["from"] for item in json.loads(done.stdout)["entries"]] == ["-:1", "-:2"]


def test_two_files_never_share_a_slug(here: Here, keeping: Stub, user: str) -> None:
    other = Path(user).parent / "b" / "ana"
    other.parent.mkdir()
    other.write_text(USER)
    plan = here.json("import", "crontab", user, user, str(other))
    assert len({item["slug"] for item in plan["entries"]}) == len(plan["entries"]) == 4


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
    entry = parse(line, system=False).entries[0]
    assert wrap_line(line, entry, "t") == f"5 4 * * * {wrapped}"


# --- whose a line is ----------------------------------------------------------------------------


def entries(here: Here, *words: str) -> list[tuple[str, str]]:
    """What is to be done to which slug."""
    return [(e["do"], e["slug"]) for e in here.json("import", "crontab", *words)["entries"]]


def test_a_job_of_another_user_is_refused(here: Here, keeping: Stub, tmp_path: Path) -> None:
    tab = tmp_path / "tab"
    tab.write_text(f"1 1 * * * www-data whoami\n2 2 * * * {ME} id\n")
    words = ("--as", "job", "--system-format", str(tab))
    done = here("import", "crontab", *words)
    assert f"refused {tab}:1: it runs as www-data, but the server would run it as {ME}; " in (
        done.stdout
    )
    assert "1 of 2 to make or change. 1 refused. To do it, add --apply." in done.stdout
    done = here("import", "crontab", "--apply", *words)
    assert (done.returncode, len(sent(keeping))) == (1, 1)


def test_a_job_of_the_crontab_of_another_user_is_refused(
    here: Here, keeping: Stub, user: str
) -> None:
    done = here("import", "crontab", "--as", "job", "--apply", "--owner", "ana", user)
    assert (done.returncode, sent(keeping)) == (1, [])
    assert "it runs as ana, but" in done.stdout


def test_no_job_is_made_where_scripts_are_switched_off(
    here: Here, keeping: Stub, user: str
) -> None:
    keeping.replies["GET /api/v1/workspace"] = (200, {"ping_key": "k", "scripts_run_as": None})
    done = here("import", "crontab", "--as", "job", "--apply", user)
    assert (done.returncode, sent(keeping)) == (1, [])
    assert "the server runs no scripts" in done.stdout


def test_lines_that_became_jobs_must_leave_the_crontab(
    here: Here, keeping: Stub, user: str
) -> None:
    line = f"  {user}:1: */5 * * * * /home/ana/sync.sh"
    words = ("import", "crontab", "--as", "job", user)
    for told, more in (("once applied", ()), ("now", ("--apply",)), ("now", ("--apply",))):
        done = here(*words, *more).stdout
        assert f"The server runs these on its machine {told}. Put # before each line" in done
        assert line in done
        assert "as it should be from now on" not in done


def test_a_line_is_never_both_watched_and_run(here: Here, keeping: Stub, user: str) -> None:
    here("import", "crontab", "--apply", user)
    plan = here.json("import", "crontab", "--as", "job", user)
    assert [entry["do"] for entry in plan["entries"]] == ["refuse", "refuse"]
    assert "watched as ana-sync-sh already" in plan["entries"][0]["why"]
    done = here("import", "crontab", "--as", "job", "--apply", user)
    assert (done.returncode, len(sent(keeping))) == (1, 2)


def test_a_line_that_is_a_job_needs_no_watch(here: Here, keeping: Stub, user: str) -> None:
    here("import", "crontab", "--as", "job", "--apply", user)
    plan = here.json("import", "crontab", user)
    assert [entry["do"] for entry in plan["entries"]] == ["refuse", "refuse"]
    assert "the job ana-sync-sh runs it already" in plan["entries"][0]["why"]


# --- which watch a line is ----------------------------------------------------------------------


def wrapped(tmp_path: Path, command: str, when: str = "5 5 * * *") -> str:
    (tmp_path / "wrapped").write_text(f"{when} {command}\n")
    return str(tmp_path / "wrapped")


def test_a_line_that_runs_dogwatch_is_the_watch_that_it_names(
    here: Here, keeping: Stub, tmp_path: Path
) -> None:
    tab = wrapped(tmp_path, "/usr/bin/dogwatch run --quiet ins-run-parts -- run-parts /b")
    assert entries(here, tab) == [("create", "ins-run-parts")]
    done = here("import", "crontab", "--apply", tab)
    assert "as it should be" not in done.stdout
    assert entries(here, tab) == [("same", "ins-run-parts")]
    tab = wrapped(tmp_path, "/bin/sh -c 'cd / && dogwatch run ins-run-parts -- b'", "6 6 * * *")
    assert entries(here, tab) == [("change", "ins-run-parts")]
    assert "5 5 * * * → 6 6 * * *" in here("import", "crontab", tab).stdout
    here("import", "crontab", "--apply", tab)
    assert sent(keeping)[1:] == [("PATCH", "/api/v1/watches/ins-run-parts")]


def test_a_line_that_pings_is_the_watch_that_it_pings(
    here: Here, keeping: Stub, user: str, tmp_path: Path
) -> None:
    here("import", "crontab", "--apply", "--tz", "UTC", user)
    tab = wrapped(tmp_path, "b && curl -fsS http://x/ping/Key1; curl http://x/ping/Key1/0")
    plan = here.json("import", "crontab", "--tz", "UTC", tab)
    (entry,) = plan["entries"]
    assert (entry["do"], entry["slug"]) == ("change", "ana-mail")
    assert entry["was"] == {"schedule": "0 3 * * 0", "timezone": "UTC"}
    assert plan["crontabs"] == {}
    assert entries(here, wrapped(tmp_path, "b; curl http://x/ping/wskey/fresh/start")) == [
        ("create", "fresh")
    ]
    assert entries(here, wrapped(tmp_path, "b; curl http://x/ping/foreign/start")) == [
        ("create", "wrapped-b")
    ]


def test_two_lines_of_one_slug_do_not_undo_each_other(
    here: Here, keeping: Stub, tmp_path: Path
) -> None:
    tab = wrapped(tmp_path, "dogwatch run a -- b\n6 6 * * * dogwatch run a -- b")
    plan = here.json("import", "crontab", tab)["entries"]
    assert [entry["do"] for entry in plan] == ["create", "refuse"]
    assert plan[1]["why"] == f"a stands for {tab}:1 already; give it a slug of its own"


def test_a_key_that_nobody_knows_is_no_slug(here: Here, keeping: Stub, tmp_path: Path) -> None:
    assert entries(here, wrapped(tmp_path, "dogwatch run AbCdEfGhIjKlMnOpQ -- b")) == [
        ("refuse", "AbCdEfGhIjKlMnOpQ")
    ]
    assert entries(here, wrapped(tmp_path, "dogwatch run Key9 -- b"))[0][0] == "refuse"


def test_a_wrapped_line_is_no_job(here: Here, keeping: Stub, tmp_path: Path) -> None:
    tab = wrapped(tmp_path, "dogwatch run a -- b")
    assert entries(here, "--as", "job", tab) == [("refuse", "a")]


# --- whose a watch is ---------------------------------------------------------------------------


def test_equal_crontabs_of_two_users_and_two_hosts_stay_apart(
    dogwatch: Program, keeping: Stub
) -> None:
    def imported(*words: str) -> list[tuple[str, str]]:
        plan = dogwatch.json("import", "crontab", "--apply", *words, "-", stdin=line)
        return [(entry["do"], entry["slug"]) for entry in plan["entries"]]

    line = "0 2 * * * /srv/backup.sh\n"
    assert imported("--owner", "ana") == [("create", "ana-backup-sh")]
    assert imported("--owner", "bob") == [("create", "bob-backup-sh")]
    assert imported("--owner", "ana", "--host", "db2") == [("create", "db2-ana-backup-sh")]
    assert imported("--owner", "ana", "--host", "db3", "--prefix", "x") == [
        ("create", "x-ana-backup-sh")
    ]
    line = "0 3 * * * /srv/backup.sh\n"
    assert imported("--owner", "ana", "--host", "db2") == [("change", "db2-ana-backup-sh")]
    assert imported("--owner", "bob", "--prefix", "y") == [("change", "bob-backup-sh")]


def test_standard_input_is_not_etc_crontab(here: Here, keeping: Stub, tmp_path: Path) -> None:
    (tmp_path / ME).write_text("0 2 * * * /srv/b\n")
    keeping.replies["GET /api/v1/watches"][1]["data"].append(
        {"slug": f"{ME}-b", "description": "by hand", "ping_url": "", "kind": "heartbeat",
         "schedule": "0 9 * * *", "timezone": "UTC"}
    )  # fmt: skip
    assert entries(here, str(tmp_path / ME)) == [("create", f"{ME}-b-2")]


def test_a_line_inserted_above_shifts_nobody(here: Here, keeping: Stub, tmp_path: Path) -> None:
    tab = tmp_path / "tab"
    tab.write_text("1 1 * * * run /a\n2 2 * * * run /b\n")
    here("import", "crontab", "--user-format", "--apply", str(tab))
    tab.write_text("9 9 * * * run /c\n" + tab.read_text())
    assert entries(here, "--user-format", str(tab)) == [
        ("create", "tab-run-3"),
        ("same", "tab-run"),
        ("same", "tab-run-2"),
    ]


def test_run_parts_goes_by_its_directory(here: Here, keeping: Stub, tmp_path: Path) -> None:
    tab = tmp_path / "crontab"
    hours = "17 * * * * cd / && run-parts --report /etc/cron.hourly\n"
    days = "25 6 * * * test -x /a || { cd / && run-parts --report /etc/cron.daily; }\n"
    tab.write_text(f"{hours}{days}1 1 * * * run-parts /srv/cron.daily\n")
    made = entries(here, "--user-format", str(tab))
    assert [slug for _, slug in made] == ["cron-hourly", "cron-daily", "cron-daily-2"]


def test_equal_commands_are_told_apart_by_their_times(
    here: Here, keeping: Stub, tmp_path: Path
) -> None:
    tab = tmp_path / "tab"
    tab.write_text("0 5 * * * b.sh\n0 17 * * * b.sh\n")
    here("import", "crontab", "--apply", str(tab))
    tab.write_text("0 17 * * * b.sh\n0 6 * * * b.sh\n")
    assert entries(here, str(tab)) == [("same", "tab-b-sh-2"), ("change", "tab-b-sh")]


def test_a_watch_whose_line_is_gone_is_named(here: Here, keeping: Stub, user: str) -> None:
    here("import", "crontab", "--apply", user)
    Path(user).write_text(USER.splitlines()[0])
    done = here("import", "crontab", user)
    assert "ana-mail came from these files" in done.stderr
    assert "ana-sync-sh" not in done.stderr


# --- the format of a file -----------------------------------------------------------------------


def test_a_user_field_of_unknown_users_is_asked_about(
    here: Here, keeping: Stub, tmp_path: Path
) -> None:
    tab = tmp_path / "debian.tab"
    tab.write_text("17 * * * * root cd / && run-parts /h\n0 1 * * * nosuchuser /opt/x --y\n")
    done = here("import", "crontab", str(tab))
    assert done.returncode == 2
    assert "say --system-format" in done.stderr
    told = here.json("import", "crontab", "--system-format", str(tab))["entries"]
    assert [item["user"] for item in told] == ["root", "nosuchuser"]
    told = here.json("import", "crontab", "--user-format", str(tab))["entries"]
    assert told[0]["command"] == "root cd / && run-parts /h"


# --- the crontab as it should be ----------------------------------------------------------------


def test_the_whole_crontab_is_printed_and_can_be_imported(
    here: Here, keeping: Stub, tmp_path: Path
) -> None:
    text = (
        "# ours\nSHELL=/bin/bash\nMAILTO=ops\n@reboot root /opt/up\n\n# dump\n"
        "0 2 * * * root /opt/dump\nCRON_TZ=Asia/Tokyo\n@daily root a && b # c\n"
        "1 1 * * * root dogwatch run d -- e\n"
    )
    tab = tmp_path / "tab"
    tab.write_text(text)
    words = ("--system-format", "--tz", "UTC", str(tab))
    told = here.json("import", "crontab", *words)["crontabs"][str(tab)]
    by_name = re.sub(r"\S*dogwatch run", "dogwatch run", told)
    line = f"DOGWATCH_PING_URL={keeping.url}/ping/wskey\n"
    assert by_name == line + text.replace(
        "/opt/dump", "dogwatch run tab-dump -- /opt/dump"
    ).replace("a && b # c", "dogwatch run tab-a -- /bin/bash -c 'a && b # c'")
    done = here("import", "crontab", "--apply", *words)
    assert f"The whole of {tab}, as it should be from now on:\n\n{told}" in done.stdout
    tab.write_text(told)
    assert [verb for verb, _ in entries(here, *words)] == ["same"] * 3
    assert here.json("import", "crontab", *words)["crontabs"] == {}


def test_cron_finds_the_program_by_its_place(
    here: Here, keeping: Stub, user: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "dogwatch"
    program.parent.mkdir()
    program.touch(mode=0o755)
    monkeypatch.setattr("sys.argv", [str(program)])
    monkeypatch.setattr("dogwatch.cli.crontab.told.CRON_PATH", "/nowhere")
    assert f" {program} run ana-sync-sh -- " in here("import", "crontab", user).stdout
    monkeypatch.setattr("dogwatch.cli.crontab.told.CRON_PATH", str(program.parent))
    assert " * dogwatch run ana-sync-sh -- " in here("import", "crontab", user).stdout


def test_cron_tz_is_warned_about(here: Here, keeping: Stub, system: str) -> None:
    done = here("import", "crontab", system)
    assert f"{system}:5: CRON_TZ=Europe/Berlin is taken at its word, as cronie" in done.stderr
    assert len(here.json("import", "crontab", system)["warnings"]) == 1


def test_a_plan_without_a_server_says_so(here: Here, user: str) -> None:
    done = here("import", "crontab", user, "--server", "http://127.0.0.1:1")
    assert "the server is away: this is the plan for an empty one" in done.stderr


def test_users_without_a_key_are_given_the_address(here: Here, keeping: Stub, user: str) -> None:
    words, line = ("--owner", "ana"), f"DOGWATCH_PING_URL={keeping.url}/ping/wskey\n"
    whole = here.json("import", "crontab", *words, user)["crontabs"][user]
    assert whole.startswith(line)
    told = here("import", "crontab", "--apply", *words, user).stdout
    assert told.endswith(f"as it should be from now on:\n\n{whole.rstrip()}\n")
    Path(user).write_text(whole + "5 5 * * * /opt/more\n")
    again = here.json("import", "crontab", *words, user)["crontabs"][user]
    assert again.startswith(whole)
    assert again.count("DOGWATCH_PING_URL") == 1


def test_help_tells_it_all(here: Here) -> None:
    told = here("import", "crontab", "--help").stdout
    for word in (
        "--system-format",
        "--owner",
        "--host",
        "--prefix",
        "run twice",
        "Imported",
        "CRON_TZ",
        "exit",
    ):
        assert word in told


def test_what_a_machine_has_is_discovered(here: Here, keeping: Stub, tmp_path: Path) -> None:
    for place, text in {
        "etc/crontab": "17 * * * * root run-parts /etc/cron.hourly\n",
        "etc/cron.d/backup": SYSTEM,
        "etc/cron.d/backup.dpkg-old": SYSTEM,
        "var/spool/cron/crontabs/ana": USER,
    }.items():
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(text)
    plan = here("discover", "--root", str(tmp_path))
    assert plan.returncode == 0
    assert sent(keeping) == []
    assert "5 of 5 to make or change. To do it, add --auto." in plan.stdout
    done = here("discover", "--auto", "--root", str(tmp_path))
    assert done.returncode == 1  # as a line of the backup's is left out
    made = [json.loads(item.body) for item in keeping.requests if item.method == "POST"]
    users = [re.findall(r", user (\w+): ", one["description"])[0] for one in made]
    assert users == ["root", "root", "root", "ana", "ana"]
    assert here.json("discover", "--root", str(tmp_path))["changes"] == 0
