"""Manifests as YAML: what is written is read back, and faults tell their lines."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.core.manifest.change import Change, summed
from dogwatch.core.manifest.said import said, without
from dogwatch.core.manifest.text import (
    MAX_LENGTH,
    MOST_FAULTS,
    SECTIONS,
    Document,
    located,
    read,
    written,
)
from dogwatch.core.problems import Problem, invalid
from dogwatch.core.spec import WatchSpec

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
THING = st.dictionaries(TEXT, VALUE, max_size=4)
DOCUMENT = st.dictionaries(st.sampled_from(SECTIONS), st.lists(THING, max_size=3))
GOOD: Document = {"watches": [{"slug": "backup", "name": "Backup"}], "rules": [{"channel": "Ops"}]}


@given(DOCUMENT)
def test_what_is_written_is_read_back(document: dict[str, list[dict[str, Any]]]) -> None:
    found = read(written(document))
    assert {name: some for name, some in found.items() if some} == {
        name: some for name, some in document.items() if some
    }
    assert written(found) == written(document)


def test_a_script_is_written_line_by_line() -> None:
    text = written({"jobs": [{"slug": "x", "action": {"source": "set -e\necho 'on: 07:00'\n"}}]})
    assert "    source: |\n      set -e\n      echo 'on: 07:00'\n" in text


def test_sections_stand_in_one_order_and_empty_ones_are_left_out() -> None:
    text = written({"rules": GOOD["rules"], "jobs": [], "watches": GOOD["watches"]})
    assert text.startswith("dogwatch: 1\n\nwatches:\n")
    assert text.index("watches:") < text.index("rules:")
    assert "jobs" not in text
    assert written({}) == "dogwatch: 1\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("dogwatch: 1\nwatches: [", "line 2, column 11"),
        ("- 1", "must be an object of sections"),
        ("watches: []", "dogwatch: line 1: must be 1"),
        ("dogwatch: 2", "dogwatch: line 1: must be 1"),
        ("dogwatch: true", "dogwatch: line 1: must be 1"),
        ("dogwatch: 1.0", "dogwatch: line 1: must be 1"),
        ("dogwatch: 1\nwathces: []", "wathces: line 2: is no section; there are projects"),
        ("dogwatch: 1\njobs: {}", "jobs: line 2: must be a list"),
        ("dogwatch: 1\njobs:\n- slug: x\n- 5", "jobs.1: line 4: must be an object"),
        ("dogwatch: 1\njobs: &a []\nprobes: *a", "write it out instead of an alias"),
        ("x" * (MAX_LENGTH + 1), "is too long"),
        ("dogwatch: 1\nrules: []\nrules: []", "line 3, column 1: 'rules' stands twice"),
        ("dogwatch: 1\nwatches:\n- {1: 2, slug: a1}", "line 3, column 4: a key must be text"),
        ("dogwatch: 1\nwatches: [{2024-01-01: 1, slug: a1, slug: a2}]", "'slug' stands twice"),
        ("dogwatch: 1\nwatches: [{[a]: 1}]", "a key must be text"),
        ("dogwatch: 1\nwatches: [{}]\nwatches.²: []", "watches.²: line 2: is no section"),
    ],
)
def test_what_is_no_manifest_is_refused_with_its_line(text: str, told: str) -> None:
    with pytest.raises(Problem) as refused:
        read(text)
    assert refused.value.kind == "invalid"
    assert told in refused.value.message


def test_a_fault_found_later_is_told_its_line_once() -> None:
    text = "dogwatch: 1\nwatches:\n- slug: a\n  name: A\n  schedule: nope\n"
    fault = located(text, invalid("watches.0.schedule", "is no schedule"))
    assert fault.fields == {"watches.0.schedule": "line 5: is no schedule"}
    assert located(text, fault).fields == fault.fields
    assert located("never read", fault).fields == fault.fields


@pytest.mark.parametrize("part", ["²", "9" * 5000, "-1"])
def test_what_looks_like_a_number_is_looked_for_in_no_list(part: str) -> None:
    text = "dogwatch: 1\nwatches:\n- slug: a\n  tags: [a]\n"
    fault = located(text, invalid(f"watches.0.tags.{part}", "is no field"))
    assert list(fault.fields.values()) == ["line 4: is no field"]


def test_of_many_faults_the_first_are_told() -> None:
    with pytest.raises(Problem) as refused:
        read("dogwatch: 1\nwatches:\n" + "- 5\n" * 15_000)
    assert len(refused.value.fields) == MOST_FAULTS


def test_what_is_as_usual_is_not_said() -> None:
    spec = WatchSpec(name="A", schedule="@daily", tags=("x",), timezone="UTC")
    assert said(spec, WatchSpec(name=""), ("schedule", "tags", "timezone")) == {
        "schedule": "@daily", "tags": ["x"],
    }  # fmt: skip
    assert without({"a": 1, "b": None}, {"b": None, "c": 3}) == {"a": 1}


def test_changes_are_told_by_name_and_as_a_diff() -> None:
    backup, nightly = {"slug": "backup", "name": "Backup"}, {"slug": "backup", "name": "Nightly"}
    found = summed(
        [
            Change("jobs", {"slug": "old"}, None),
            Change("watches", backup, nightly),
            Change("watches", None, {"slug": "new", "name": "New"}),
            Change("rules", None, {"channel": "Ops"}),
            Change("rules", None, {"channel": "Ops", "delay_s": 60}),
        ]
    )
    assert (found.made, found.changed, found.removed) == (
        ["watches new", "rules Ops", "rules Ops (2)"], ["watches backup"], ["jobs old"],
    )  # fmt: skip
    lines = found.diff.splitlines()
    assert lines[:5] == [
        "--- as it is", "+++ as the file says", "@@ jobs old @@", "-- slug: old",
        "@@ watches backup @@",
    ]  # fmt: skip
    assert {"-  name: Backup", "+  name: Nightly"} <= set(lines)
    assert found.words == "3 made, 1 changed, 1 removed"
    told = summed([Change("watches", backup, backup)])
    assert (told.changed, told.diff) == (
        ["watches backup"], "changed watches backup: what is secret of it",
    )  # fmt: skip
    same = summed([])
    assert (same.diff, same.words) == ("", "nothing to change")
