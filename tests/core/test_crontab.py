"""Crontab files: crontab(5) of Debian, one rule a test."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dogwatch.core.crontab import Crontab, Entry, parse, suggest_name

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
    return parse(text, system=False, name="joe")


def only(text: str) -> Entry:
    (entry,) = user(text).entries
    return entry


def test_the_crontab_of_debian() -> None:
    crontab = parse(DEBIAN, system=True, name="crontab")
    assert crontab.problems == ()
    assert [(e.line, e.schedule, e.user, e.slug) for e in crontab.entries] == [
        (9, "17 * * * *", "root", "crontab-run-parts"),
        (10, "25 6 * * *", "root", "crontab-run-parts-2"),
    ]
    assert crontab.entries[0].command == "cd / && run-parts --report /etc/cron.hourly"
    assert suggest_name(crontab.entries[1]) == "run-parts /etc/cron.daily"
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
    assert (first.mailto, first.shell, first.timezone) == (None, "/bin/sh", None)
    assert (second.mailto, second.shell, second.timezone) == ("joe", "/bin/bash", "Europe/Berlin")
    assert (third.mailto, third.timezone) == ("", "Asia/Tokyo")
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


def test_a_system_line_needs_a_user() -> None:
    crontab = parse("* * * * * root\n@daily joe run", system=True, name="x")
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
    ("command", "slug", "name"),
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
def test_slug_and_name(command: str, slug: str, name: str) -> None:
    entry = only(f"@daily {command}")
    assert (entry.slug, suggest_name(entry)) == (slug, name)


def test_a_comment_names_the_entry() -> None:
    assert suggest_name(only("# Nightly backup\n# of all\n@daily run")) == "Nightly backup"
    long_name = suggest_name(only(f"# {'x' * 500}\n@daily run"))
    assert len(long_name) == 80
    assert long_name.endswith("…")


def test_slugs_are_unique_even_against_a_suffix() -> None:
    crontab = user("@daily a\n@daily a-2\n@daily a\n@daily a")
    assert [e.slug for e in crontab.entries] == ["joe-a", "joe-a-2", "joe-a-3", "joe-a-4"]


def test_empty_and_unfinished_files() -> None:
    assert user("") == Crontab("joe", (), (), {})
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
def test_every_text_is_read_and_slugs_are_unique(text: str, system: bool) -> None:
    crontab = parse(text, system=system, name="any")
    slugs = [entry.slug for entry in crontab.entries]
    assert len(set(slugs)) == len(slugs)
    assert all(entry.command.strip() or entry.stdin is not None for entry in crontab.entries)
    assert all(suggest_name(entry) for entry in crontab.entries)
    numbers = [e.line for e in crontab.entries] + [p.line for p in crontab.problems]
    assert len(set(numbers)) == len(numbers)
