"""The steps of a dialect's self-test see each kind of difference."""

import pytest

from dogwatch.core.conformance import STEPS, Step, faults, kept, path_of

STEP = Step("x", "GET", "/x/{id}", 200, at=("data", 0), shape="id:str size:num at:str? on:bool")
GOOD = b'{"data": [{"id": "a", "size": 1.5, "at": null, "on": true}]}'


def test_what_is_as_documented_has_no_fault() -> None:
    assert list(faults(STEP, 200, GOOD)) == []


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (404, b"gone", "status 404, not 200: gone"),
        (200, b"nonsense", "no JSON with data/0"),
        (200, b'{"data": []}', "no JSON with data/0"),
        (200, b'{"data": [5]}', "no JSON object"),
        (200, GOOD.replace(b'"id": "a", "size": 1.5', b'"size": 1.5, "id": "a"'), "keys size, id"),
        (200, GOOD.replace(b'"a"', b"5"), "id is 5, not str"),
        (200, GOOD.replace(b'"a"', b"null"), "id is null, not str"),
        (200, GOOD.replace(b"1.5", b"true"), "size is true, not num"),
        (200, GOOD.replace(b"true", b"1"), "on is 1, not bool"),
    ],
)
def test_each_difference_is_told(status: int, body: bytes, told: str) -> None:
    (fault,) = faults(STEP, status, body)
    assert fault.startswith(told)


def test_a_whole_answer_is_compared() -> None:
    step = Step("x", "GET", "/", 200, text="OK")
    assert list(faults(step, 200, b"OK")) == []
    assert list(faults(step, 200, b"ok")) == ["answer b'ok', not 'OK'"]


def test_what_is_kept_is_named_by_later_steps() -> None:
    step = Step("x", "POST", "/", 201, keep={"id": ("data", "id")})
    known = kept(step, b'{"data": {"id": 7}}')
    assert path_of(STEP, known) == "/x/7"
    assert path_of(STEP, {}) is None


@pytest.mark.parametrize("name", list(STEPS))
def test_every_dialect_ends_by_clearing_up(name: str) -> None:
    assert STEPS[name][-1].clears
    assert any(step.keep for step in STEPS[name])
