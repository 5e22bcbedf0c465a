"""What a delivery tells, in plain words."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.core.alerts import Event
from dogwatch.core.message import MOST_ITEMS, TAIL_BYTES, body, subject, tail, text, words
from tests.harness.messages import ITEM, MESSAGE, RECOVERY, SINCE, group, told


def test_down_in_words() -> None:
    assert text(MESSAGE).splitlines() == [
        "Down: Nightly database backup",
        "",
        "Why: nothing came for 20 min",
        "Expected: 2026-11-20 02:00 Warsaw",
        "Since: 2026-11-20 02:20 Warsaw",
        "Last good: 2026-11-19 02:20 Warsaw, took 4 min",
        "About: Runbook: https://wiki.example/backup",
        "Tags: db1, prod",
        "Workspace: Main",
        "Open: https://dogwatch.example/i/nightly-backup",
    ]


def test_a_failure_shows_its_last_lines() -> None:
    output = "\n".join(f"line {number}" for number in range(9)) + "\n"
    said = text(told(reason="exit status 3", duration_ms=240_000, output_tail=output))
    assert "Took: 4 min" in said
    assert said.endswith("Last lines of output:\n  line 4\n  line 5\n  line 6\n  line 7\n  line 8")


def test_recovery_says_how_long_it_was() -> None:
    assert text(told(**RECOVERY, tags=())).splitlines() == [
        "Recovered: Nightly database backup",
        "",
        "Since: 2026-11-20 02:20 Warsaw",
        "Was down for: 1 h 20 min",
        "Workspace: Main",
        "Open: https://dogwatch.example/i/nightly-backup",
    ]


def test_the_links_are_told_below_the_facts_and_stay_whole() -> None:
    message = replace(group(MOST_ITEMS), ack_url="https://dogwatch.example/acknowledge/1.x.2.y")
    links = [
        "Open: https://dogwatch.example",
        f"Acknowledge: {message.ack_url}",
        f"Snooze 1 h: {message.ack_url}?hours=1",
    ]
    assert text(message).splitlines()[-3:] == links
    assert body(message, 9_999) == text(message).partition("\n\n")[2]
    for room, count in ((200, 2), (300, 2), (900, 3)):
        said = body(message, room)
        assert (len(said) <= room, said.splitlines()[-count:]) == (True, links[:count])
    assert body(message, 80).splitlines()[-1] == links[0]
    assert "http" not in body(message, 40)


def test_what_was_degraded_was_not_down() -> None:
    slow = {**RECOVERY, "previous_status": "degraded"}
    assert "Was degraded for: 1 h 20 min" in text(told(**slow)).splitlines()
    both = replace(group(2), items=(told(**slow).first, told(**RECOVERY).first))
    members = words(both).members
    assert [member.partition(" (")[2] for member in members] == [
        "was degraded for 1 h 20 min)", "was down for 1 h 20 min)",
    ]  # fmt: skip


ALSO_DOWN = [
    (("Mail",), 1, "Also down: Mail"),
    (("Mail", "DNS"), 2, "Also down: Mail, DNS"),
    (("a", "b", "c", "d", "e"), 6, "Also down: a, b, c, d, e and 1 other"),
    (("a", "b", "c", "d", "e"), 1205, "Also down: a, b, c, d, e and 1,200 others"),
]


@pytest.mark.parametrize(("names", "count", "line"), ALSO_DOWN)
def test_it_says_what_else_is_down(names: tuple[str, ...], count: int, line: str) -> None:
    message = replace(MESSAGE, also_down=names, also_down_count=count)
    assert line in text(message).splitlines()
    message = replace(message, also_down_since_at=SINCE, also_down_tags=("db1",))
    assert f"{line}; since 2026-11-20 02:20 Warsaw; same tag db1" in text(message).splitlines()


def test_what_cannot_be_shown_leaves_no_gap() -> None:
    bare = told(name="\u202e", reason="\x01", tags=("\0",), about="\u200b")
    message = replace(bare, workspace="\x7f")
    assert subject(message) == "Down: nightly-backup"
    assert [label for label, _ in words(message).facts] == ["Expected", "Since", "Last good"]
    assert subject(told(name="", slug="")) == "Down: –"


def test_tests_and_rehearsals_say_so() -> None:
    assert "This is a test of this channel. Nothing is wrong." in text(told(event=Event.TEST))
    rehearsal = replace(MESSAGE, rehearsal=True)
    assert subject(rehearsal) == "[Rehearsal] Down: Nightly database backup"
    assert "This is a rehearsal. Nothing is wrong." in text(rehearsal)


@pytest.mark.parametrize("zone", ["Nowhere/Land", "../etc/passwd", "", "Europe/\0"])
def test_a_lost_time_zone_loses_no_message(zone: str) -> None:
    assert "Since: 2026-11-20 01:20 UTC" in text(told(timezone=zone))


def test_a_group_names_its_members_and_counts_the_rest() -> None:
    told_of = group(MOST_ITEMS, more=9_950)
    assert (told_of.count, told_of.event) == (10_000, Event.DOWN)
    lines = text(told_of).splitlines()
    assert lines[0] == "Down: Watch 0 and 9,999 others"
    assert lines[2] == "Watch 0 (nothing came for 20 min)"
    assert lines[51:53] == ["Watch 49 (nothing came for 20 min)", "and 9,950 more"]
    assert lines[-1] == "Open: https://dogwatch.example"


def test_a_mixed_group_is_as_grave_as_its_gravest() -> None:
    mixed = replace(MESSAGE, items=(replace(ITEM, **RECOVERY), ITEM))
    assert (mixed.event, mixed.closes) == (Event.DOWN, False)
    assert words(mixed).members == (
        "Recovered: Nightly database backup (was down for 1 h 20 min)",
        "Down: Nightly database backup (nothing came for 20 min)",
    )
    assert told(**RECOVERY).closes


@given(st.text(max_size=400), st.text(max_size=3000), st.sampled_from([1, 3, 20]))
def test_any_name_and_output_give_a_plain_screen(name: str, output: str, count: int) -> None:
    item = replace(ITEM, name=name, reason=name, output_tail=output)
    message = replace(MESSAGE, items=(item,) * count, workspace=name)
    assert subject(message).splitlines() in ([subject(message)], [subject(message).rstrip()])
    said = text(message)
    said.encode()
    assert len(said) < 3000 + 200 * count
    assert said.split("\n") == said.splitlines()
    assert not any(ord(c) < 32 and c != "\n" for c in said)


def test_a_tail_cut_inside_a_character_drops_it() -> None:
    assert tail("é" * 600) == "é" * 512
    assert tail("a" + "é" * 600 + "b") == "é" * 511 + "b"


@given(st.text(max_size=4000))
def test_a_tail_is_five_lines_and_a_kilobyte_at_most(output: str) -> None:
    kept = tail(output)
    assert len(kept.encode()) <= TAIL_BYTES
    assert kept.count("\n") < 5
    assert tail(kept) == kept.rstrip()
