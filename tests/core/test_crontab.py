"""Crontab files: crontab(5) of Debian, one rule a test."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dogwatch.core.crontab import (
    Crontab,
    Entry,
    Source,
    addresses,
    parse,
    parts,
    program,
    reports_to,
    rewritten,
    slug,
    suggest_name,
    wrap_line,
)
from dogwatch.core.crontab.table import MOST_SETTINGS

DEBIAN = """\
# /etc/crontab: system-wide crontab
SHELL=/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin

# Example of job definition:
# .---------------- minute (0 - 59)
# |  .------------- hour (0 - 23)
# *  *  *  *  * user-name command to be executed
17 *\t* * *\troot\tcd / && run-parts --report /etc/cron.hourly
25 6\t* * *\troot\ttest -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }
#
"""


def user(text: str) -> Crontab:
    return parse(text, system=False)


def only(text: str) -> Entry:
    (entry,) = user(text).entries
    return entry


def test_the_crontab_of_debian() -> None:
    crontab = parse(DEBIAN, system=True)
    assert crontab.problems == ()
    assert [(e.line, e.schedule, e.user, program(e.command)) for e in crontab.entries] == [
        (9, "17 * * * *", "root", "run-parts"),
        (10, "25 6 * * *", "root", "run-parts"),
    ]
    assert crontab.entries[0].command == "cd / && run-parts --report /etc/cron.hourly"
    assert [suggest_name(e) for e in crontab.entries] == ["cron.hourly", "cron.daily"]
    assert [parts(e.command) for e in crontab.entries] == ["cron.hourly", "cron.daily"]
    assert (parts("run-parts --list"), parts("/srv/b /etc/cron.daily")) == ("", "")
    assert crontab.entries[0].shell == "/bin/sh"
    assert crontab.environment["PATH"] == "/usr/sbin:/usr/bin:/sbin:/bin"


@pytest.mark.parametrize(
    ("text", "command", "stdin"),
    [
        ("* * * * * date", "date", None),
        (r"* * * * * date +\%F", "date +%F", None),
        ("* * * * * mail joe%Hi%there", "mail joe", "Hi\nthere\n"),
        ("* * * * * mail joe%Hi%", "mail joe", "Hi\n"),
        ("* * * * * cat%", "cat", ""),
        (r"* * * * * a \%b%50\% off", "a %b", "50% off\n"),
        (r"* * * * * printf 'a\nb\\'", r"printf 'a\nb\\'", None),
        ("  \t* * * * *   spaced  out \t", "spaced  out", None),
        ("@daily FOO=1 run", "FOO=1 run", None),
        ("* * * * * a # no comment", "a # no comment", None),
    ],
)
def test_command_and_percent(text: str, command: str, stdin: str | None) -> None:
    assert (only(text).command, only(text).stdin) == (command, stdin)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        ("A = b c ", "b c"),
        ("\tA\t=\tb", "b"),
        ('A=" b "', " b "),
        ("A=' b '", " b "),
        ("'A'=b", "b"),
        ('"A" = "b=c"', "b=c"),
        ("A=", ""),
        ('A=""', ""),
        ("A='it\"s'", 'it"s'),
        ("A=\"half'", "\"half'"),
        ("A=b # c", "b # c"),
    ],
)
def test_environment_lines(line: str, value: str) -> None:
    assert user(line).environment == {"A": value}


def test_settings_count_from_their_line_on() -> None:
    text = """
    @daily first
    MAILTO=joe
    SHELL=/bin/bash
    CRON_TZ=Europe/Berlin
    @daily second
    MAILTO=""
    CRON_TZ=Asia/Tokyo
    @daily third
    CRON_TZ=""
    @daily fourth
    """
    first, second, third, fourth = user(text).entries
    assert (first.shell, first.timezone) == ("/bin/sh", None)
    assert (second.shell, second.timezone) == ("/bin/bash", "Europe/Berlin")
    assert [one.environment.get("MAILTO") for one in (first, second, third)] == [None, "joe", ""]
    assert third.timezone == "Asia/Tokyo"
    assert fourth.timezone is None
    assert first.environment == {}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("@reboot start", "@reboot is not supported"),
        ("@fortnightly start", "unknown macro"),
        ("61 * * * * a", "minute '61'"),
        ("0 0 30 2 * a", "never comes"),
        ("-*/5 * * * * a", "minute '-*/5'"),
        ("* * * *", "expected 5 time fields"),
        ("* * * * *", "command is missing"),
        ("@daily", "command is missing"),
        ("* * * * * a\0b", "NUL"),
        ("every 5 minutes of day run", "not an interval"),
    ],
)
def test_a_bad_line_is_reported_and_the_others_count(line: str, message: str) -> None:
    crontab = user(f"@daily before\n{line}\n@daily after")
    assert [entry.command for entry in crontab.entries] == ["before", "after"]
    (problem,) = crontab.problems
    assert problem.line == 2
    assert message in problem.message


def test_a_bad_time_zone_spoils_the_entries_below_it() -> None:
    crontab = user("CRON_TZ=Berlin\n@daily a\nCRON_TZ=UTC\n@daily b")
    assert [entry.command for entry in crontab.entries] == ["b"]
    assert crontab.problems[0].line == 2
    assert crontab.problems[0].message.startswith("CRON_TZ: not an IANA time zone")


def test_settings_beyond_measure_are_not_kept() -> None:
    """Each entry keeps those above it: a short file of many would fill all memory."""
    many = "".join(f"A{number}=1\n" for number in range(MOST_SETTINGS + 1))
    found = parse(many + "A0=2\n@daily run\n", system=False)
    assert [(one.line, one.message) for one in found.problems] == [(201, "at most 200 settings")]
    assert len(found.entries[0].environment) == MOST_SETTINGS
    assert found.entries[0].environment["A0"] == "2"


def test_a_system_line_needs_a_user() -> None:
    crontab = parse("* * * * * root\n@daily joe run", system=True)
    assert "user or command is missing" in crontab.problems[0].message
    assert [(entry.user, entry.command) for entry in crontab.entries] == [("joe", "run")]


@pytest.mark.parametrize(
    ("above", "description"),
    [
        ("# Nightly backup", "Nightly backup"),
        ("#One\n#  two", "One\ntwo"),
        ("# Gone\n", ""),
        ("# Gone\nA=b", ""),
        ("# m h dom mon dow command", ""),
        ("#0 5 * * 1 tar -zcf /var/backups/home.tgz /home/", ""),
        ("# @daily old", ""),
        ("# 2 copies", "2 copies"),
        ("# Example:\n# .--- minute\n# * * * * * command", ""),
        ("", ""),
    ],
)
def test_the_comment_right_above_describes(above: str, description: str) -> None:
    assert only(f"{above}\n@daily run").description == description


@pytest.mark.parametrize(
    ("command", "wished", "name"),
    [
        ("/usr/bin/backup.sh --key s3cret /srv", "joe-backup-sh", "backup.sh /srv"),
        ("[ -x /a/b ] && if [ ! -d /c ]; then /a/b; fi", "joe-b", "b"),
        ("test -e /x || MODE=1 /sbin/e2scrub_all -A", "joe-e2scrub-all", "e2scrub_all"),
        ("command -v sa1 > /dev/null && sa1 1 1", "joe-sa1", "sa1"),
        ("sudo -u www nice -n 19 timeout 10m /opt/Clean", "joe-clean", "Clean"),
        ("joe", "joe", "joe"),
        ("cd /", "joe", "job"),
        ("\u00fc\u00e4", "joe", "\u00fc\u00e4"),
    ],
)
def test_slug_and_name(command: str, wished: str, name: str) -> None:
    entry = only(f"@daily {command}")
    assert (slug("joe", program(command)), suggest_name(entry)) == (wished, name)


def test_a_comment_names_the_entry() -> None:
    assert suggest_name(only("# Nightly backup\n# of all\n@daily run")) == "Nightly backup"
    long_name = suggest_name(only(f"# {'x' * 500}\n@daily run"))
    assert len(long_name) == 80
    assert long_name.endswith("…")


def test_empty_and_unfinished_files() -> None:
    assert user("") == Crontab((), (), {})
    assert only("\r\n@daily run\r").command == "run"


LINES = st.lists(
    st.one_of(
        st.text(),
        st.sampled_from(["@daily ", "* * * * * ", "A=", "# ", "CRON_TZ=UTC"]).flatmap(
            lambda start: st.text(max_size=20).map(start.__add__)
        ),
    ),
    max_size=8,
).map("\n".join)


@given(LINES, st.booleans())
@settings(deadline=None)
def test_every_text_is_read(text: str, system: bool) -> None:
    crontab = parse(text, system=system)
    for entry in crontab.entries:
        source = Source.of("db1", "/f", "joe", entry)
        assert Source.read(f"Mine.\n{source}\nKeep.") == source
        assert reports_to(entry.command) is None
    assert all(entry.command.strip() or entry.stdin is not None for entry in crontab.entries)
    assert all(suggest_name(entry) for entry in crontab.entries)
    numbers = [e.line for e in crontab.entries] + [p.line for p in crontab.problems]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("dogwatch run a -- b", "a"),
        ("/usr/bin/dogwatch run --quiet ins-run-parts -- run-parts /b", "ins-run-parts"),
        ("dogwatch --data /srv/d run -q --timeout 5 --tz=UTC a b", "a"),
        ("dogwatch run --schedule '0 2 * * *' --create a -- b", "a"),
        ("/bin/sh -c 'dogwatch run a -- b'", "a"),
        ("bash -ec 'cd /srv && /opt/dogwatch run a -- b | tee c'", "a"),
        ("cd / && X=1 nice -n 19 dogwatch run a b", "a"),
        ("test -x /b || { cd /; dogwatch run a -- b; }", "a"),
        ("(dogwatch run a -- b) 2>&1 | logger", "a"),
        ("flock -n /run/lock dogwatch run a -- b", "a"),
        ("su - www -c 'Y=\"1 2\" dogwatch run a -- b'", "a"),
        ("/srv/venv/bin/python3 -m dogwatch.cli run a -- b", "a"),
        ("dogwatch run a -- sh -c 'dogwatch run b -- c'", "a"),
        ("dogwatch run https://d.example/ping/Key -- b", "https://d.example/ping/Key"),
        ("dogwatch run", None),
        ("dogwatch ls", None),
        ("dogwatch-run a", None),
        ("echo dogwatch run a", None),
        ("logger 'dogwatch run a -- b'", None),
        ("echo it's open; dogwatch run a -- b", None),
    ],
)
def test_a_line_that_reports_by_itself_names_its_watch(command: str, name: str | None) -> None:
    assert reports_to(command) == name


def test_ping_addresses_in_a_command() -> None:
    command = "a && curl -fsS 'http://h:8/ping/Key/start?x=1' -o b; wget https://h/x/ping/ws/slug"
    assert addresses(command) == [("Key", "start"), ("ws", "slug")]
    assert addresses("ping -c 1 h; curl http://h/ping") == []


def test_a_source_outlives_times_and_places_but_not_another_command() -> None:
    def source(line: str) -> Source:
        return Source.of("db1", "/etc/cron.d/b", "root", only(line))

    same = source("0 2 * * * backup.sh --all")
    assert same == source("\n\nPATH=/bin\n@daily backup.sh --all")
    assert same != source("0 2 * * * backup.sh --some")
    assert source("0 2 * * * cat%a") != source("0 2 * * * cat%b")
    assert str(same).startswith("Imported from db1:/etc/cron.d/b, user root: backup.sh #")
    assert Source.read("By hand.") is None


def test_a_source_gives_no_argument_away() -> None:
    line = str(Source.of("db1", "-", "joe", only("@daily dump --password=s3cret")))
    assert "s3cret" not in line
    assert len(line.rpartition("#")[2]) == 4


def test_a_slug_is_short_and_says_nothing_twice() -> None:
    assert slug("", "Backup.d", "backup.d", "Run!") == "backup-d-run"
    assert slug("\u00fc") == "job"
    assert len(slug("x" * 100)) == 60


@given(LINES)
@settings(deadline=None)
def test_a_wrapped_line_names_its_watch_and_keeps_its_time_and_input(text: str) -> None:
    for entry in user(text).entries:
        line = wrap_line(text.split("\n")[entry.line - 1], entry, "s")
        (again,) = user(line).entries
        assert reports_to(again.command) == "s"
        assert (again.schedule, again.stdin) == (entry.schedule, entry.stdin)


def test_a_rewritten_file_is_the_same_but_for_its_wrapped_lines() -> None:
    text = "# all\nCRON_TZ=UTC\nMAILTO=ops\n@reboot up\n\n@daily  a && b\n0 3 * * * c\n"
    entry = user(text).entries[0]
    line = wrap_line(text.split("\n")[entry.line - 1], entry, "s", "/opt/dogwatch")
    assert line == "@daily /opt/dogwatch run s -- /bin/sh -c 'a && b'"
    assert rewritten(text, {entry.line: line}) == text.replace("@daily  a && b", line)
