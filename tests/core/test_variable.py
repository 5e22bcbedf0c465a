"""Variables: keys and values that are taken and refused, and what a script names."""

import pytest

from dogwatch.core.helper import condition_of
from dogwatch.core.problems import Problem
from dogwatch.core.variable import (
    DATA_BYTES,
    check,
    data_fault,
    data_of,
    key_fault,
    named_in,
    text_of,
)


@pytest.mark.parametrize("key", ["A", "_", "LAST_RUN", "lastRun", "a.b-c", "K" * 100, "NODE"])
def test_keys_that_are_taken(key: str) -> None:
    assert key_fault(key) is None


@pytest.mark.parametrize(
    "key",
    ["", " ", "1A", "A B", "A/B", "ä", "K" * 101, "__updated__", "A\n", "A\0", "-A",
     "CRONIUM_X", "cronium_x", "SYSTEM_X", "NODE_ENV", "PATH", "HOME", "DOGWATCH_X"],
)  # fmt: skip
def test_keys_that_are_refused(key: str) -> None:
    assert key_fault(key)


def test_every_fault_is_named() -> None:
    with pytest.raises(Problem) as caught:
        check("a b", "x" * 10_001, "y" * 501)
    assert set(caught.value.fields) == {"key", "value", "description"}
    for value in ("nul\0", "half\ud800"):
        with pytest.raises(Problem, match="value"):
            check("KEY", value)
    check("KEY", "ä\n" * 5_000, "x" * 500)


@pytest.mark.parametrize(
    ("value", "text"),
    [("5", "5"), (5, "5"), (True, "true"), (None, "null"), ({"a": [1, "ü"]}, '{"a":[1,"ü"]}')],
)
def test_what_is_no_text_is_stored_as_json(value: object, text: str) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize(
    ("text", "data"),
    [('{"a": 1}', '{"a": 1}'), ("5", "5"), ("", '""'), ("words", '"words"'), ("NaN", '"NaN"'),
     ("[" * 100_000, None)],
)  # fmt: skip
def test_what_is_no_json_is_a_string(text: str, data: str | None) -> None:
    assert data_of(text) == (data or f'"{text}"')


def test_data_has_a_size() -> None:
    assert data_fault("x" * DATA_BYTES) is None
    assert data_fault("ä" * (DATA_BYTES // 2 + 1))
    assert data_fault("\0")


@pytest.mark.parametrize("word", ["", "0", "false", "FALSE", "no", "off", " False\n", "null"])
def test_words_that_mean_no(word: str) -> None:
    assert condition_of(word) is False
    assert condition_of(word + "x")


def test_keys_that_a_script_names() -> None:
    source = """
    A=$(cronium.getVariable "DATABASE_URL"); cronium_get_variable lower
    cronium.setVariable('LAST_RUN', 1); dogwatch.get_variable( "x.y" )
    cronium.getVariable -v NAME "$KEY"; getVariables; cronium.getVariable("PATH_X")
    """
    assert named_in(source) == {"DATABASE_URL", "lower", "LAST_RUN", "x.y"}
    many = "\n".join(f"getVariable K{n}" for n in range(1000))
    assert len(named_in(many)) == 200
