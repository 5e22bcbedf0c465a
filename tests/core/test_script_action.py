import json
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.core.problems import Problem
from dogwatch.core.script_action import MAX_SOURCE_BYTES, RESERVED, ScriptAction

LEAST = {"language": "bash", "source": "true"}


def faults(**fields: object) -> dict[str, str]:
    with pytest.raises(Problem) as caught:
        ScriptAction.from_json({**LEAST, **fields})
    assert caught.value.kind == "invalid"
    return dict(caught.value.fields)


def test_the_least_action_has_the_documented_defaults() -> None:
    action = ScriptAction.from_json(LEAST)
    assert action == ScriptAction("bash", "true")
    assert (action.timeout_s, action.output_cap_bytes) == (3600, 1024 * 1024)
    assert (action.memory_limit_mb, action.file_limit_mb) == (None, 1024)


def test_a_full_action_survives_the_round_trip_through_json() -> None:
    full = {
        "language": "python",
        "source": "print('ä')",
        "args": ["--x", ""],
        "env": {"A": "1", "_b2": "ü"},
        "timeout_s": 1.5,
        "output_cap_bytes": 1024,
        "memory_limit_mb": 64,
        "file_limit_mb": 1,
        "input": {"day": ["ü", None]},
        "interpreter": "/usr/bin/python3",
        "network": True,
    }
    action = ScriptAction.from_json(full)
    assert action.env == (("A", "1"), ("_b2", "ü"))
    assert json.loads(json.dumps(action.to_json())) == full


def test_an_action_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        ScriptAction("bash", "true").source = "false"  # type: ignore[misc]  # what is tested


def test_every_bad_field_is_named_at_once() -> None:
    with pytest.raises(Problem) as caught:
        ScriptAction.from_json(
            {
                "language": "ruby",
                "args": ["a", 1],
                "env": {"LD_PRELOAD": "x", "1A": "x", "B": "a\0b", "C": 7},
                "timeout_s": 0,
                "output_cap_bytes": 1,
                "memory_limit_mb": "much",
                "file_limit_mb": 0,
                "colour": "red",
            }
        )
    assert set(caught.value.fields) == {
        "source",
        "language",
        "args[1]",
        "env.LD_PRELOAD",
        "env.1A",
        "env.B",
        "env.C",
        "timeout_s",
        "output_cap_bytes",
        "memory_limit_mb",
        "file_limit_mb",
        "colour",
    }


@pytest.mark.parametrize("data", [None, [], "x", 3])
def test_something_else_than_an_object_is_refused(data: object) -> None:
    with pytest.raises(Problem, match="object"):
        ScriptAction.from_json(data)


@pytest.mark.parametrize("language", [None, [], {}, "Bash", "sh", 1])
def test_only_three_languages(language: object) -> None:
    assert "bash, python, node" in faults(language=language)["language"]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("", "empty"),
        ("a\0", "NUL"),
        ("\ud800", "surrogate"),
        ("x" * (MAX_SOURCE_BYTES + 1), "256 KiB"),
        ("ä" * (MAX_SOURCE_BYTES // 2 + 1), "256 KiB"),
        (b"x", "string"),
    ],
)
def test_bad_sources(source: object, why: str) -> None:
    assert why in faults(source=source)["source"]


def test_the_longest_source_is_fine() -> None:
    assert ScriptAction.from_json({**LEAST, "source": "x" * MAX_SOURCE_BYTES})


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_names_that_load_other_code_are_reserved(name: str) -> None:
    assert "load other code" in faults(env={name: "x"})[f"env.{name}"]


@pytest.mark.parametrize("name", ["DOGWATCH_", "DOGWATCH_RUN_ID", "DOGWATCH_KEY"])
def test_our_own_names_are_reserved(name: str) -> None:
    assert "DOGWATCH_" in faults(env={name: "x"})[f"env.{name}"]


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A=B", "Ä", "A\n", "A" * 257])
def test_bad_variable_names(name: str) -> None:
    assert "letters" in faults(env={name: "x"})[f"env.{name[:64]}"]


def test_a_long_value_is_refused_and_not_echoed() -> None:
    message = faults(env={"A": "secret" * 6000})["env.A"]
    assert "32 KiB" in message
    assert "secret" not in message


@pytest.mark.parametrize("env", [[], "A=1", 5, {f"A{n}": "" for n in range(65)}])
def test_bad_environments(env: object) -> None:
    assert set(faults(env=env)) == {"env"}


@pytest.mark.parametrize("args", ["x", {}, ["x"] * 65])
def test_bad_arguments(args: object) -> None:
    assert set(faults(args=args)) == {"args"}


@pytest.mark.parametrize("seconds", [0.99, 604_801, True, "5", None, float("nan"), float("inf")])
def test_bad_timeouts(seconds: object) -> None:
    assert "7 days" in faults(timeout_s=seconds)["timeout_s"]


@pytest.mark.parametrize("seconds", [1, 1.5, 604_800])
def test_good_timeouts(seconds: float) -> None:
    assert ScriptAction.from_json({**LEAST, "timeout_s": seconds}).timeout_s == seconds


@pytest.mark.parametrize("cap", [1023, 16 * 1024 * 1024 + 1, 2048.0, True, None])
def test_bad_caps(cap: object) -> None:
    assert "integer" in faults(output_cap_bytes=cap)["output_cap_bytes"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from([*ScriptAction("bash", "true").to_json(), "other"])


@given(st.dictionaries(FIELDS, JSON))
def test_whatever_comes_is_an_action_or_a_problem(data: dict[str, object]) -> None:
    outcome: ScriptAction | Problem
    try:
        outcome = ScriptAction.from_json(data)
    except Problem as problem:
        outcome = problem
    if isinstance(outcome, Problem):
        assert outcome.fields
    else:
        assert ScriptAction.from_json(outcome.to_json()) == outcome
