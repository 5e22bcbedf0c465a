"""Bodies made to be slow: each is judged at once, and its answer stays short."""

from time import process_time
from typing import Any

import pytest

from tests.web.api.conftest import House
from tests.web.asgi_client import Answer, Client

# Of this process; an idle machine needs a tenth of it, and a collection may fall into a try.
BUDGET_S = 0.4
ONES = ["1"] * 400_000
NAMES = [f'"{n}":1' for n in range(80_000)]


def watch(field: str, parts: list[str]) -> tuple[str, str]:
    """Return a watch of which a field is a long list."""
    return "/watches", f'{{"name":"a","{field}":[{",".join(parts)}]}}'


def rule(parts: list[str]) -> tuple[str, str]:
    """Return a rule of many values."""
    return "/rules", f'{{"scope":{{"kind":"tags","values":[{",".join(parts)}]}}}}'


SLOW = {
    "tags": watch("tags", ONES),
    "schedule": watch("schedule", ONES),
    "scope": rule(['""'] * 200_000),
    "unknown fields": ("/watches", f"{{{','.join(NAMES)}}}"),
    "a name twice": ("/watches", f"{{{','.join([*NAMES, NAMES[-1]])}}}"),
    "NUL": watch("tags", ['"\\u0000"'] * 100_000),
    "objects": watch("tags", ["{}"] * 340_000),
    "lists in lists": watch("tags", ["[1,1]"] * 170_000),
    "no object": ("/watches", f"[{','.join(ONES)}]"),
    "as much as may be": watch("tags", ["1"] * 4_900),
    "a long text": ("/watches", f'{{"name":"a","description":"{"x" * 1_040_000}"}}'),
    "a long number": ("/watches", f'{{"name":"a","grace_s":{"1" * 1_000_000}}}'),
    "strings": watch("schedule", ['""'] * 340_000),
    "a string without an end": ("/watches", '"' + '\\"' * 520_000),
    "quotes": ("/watches", '"' * 1_040_000),
    "deep": ("/watches", f'{{"name":"a","tags":{"[" * 500_000}'),
}


@pytest.mark.parametrize("kind", SLOW)
def test_a_body_made_to_be_slow(api: Client, kind: str) -> None:
    path, body = SLOW[kind]
    assert len(body) <= 1024 * 1024
    api("POST", path, {})
    took: list[float] = []
    while len(took) < 3 and min(took, default=BUDGET_S) >= BUDGET_S:
        began = process_time()
        answer = api("POST", path, body.encode())
        took.append(process_time() - began)
        assert answer.status in (400, 422), answer.text[:500]
        assert len(answer.body) < 16_000
    assert min(took) < BUDGET_S, took


def faulty(api: Client, body: Any) -> Answer:
    answer = api("POST", "/watches", body)
    assert answer.status == 422
    return answer


def test_a_body_of_too_many_values(api: Client) -> None:
    too_much = {"body": "holds too much: at most 5000 values"}
    bodies: list[Any] = [{"name": "a", "tags": ["t"] * 5_000}, [{}] * 5_001, [[[]] * 2_501]]
    for body in bodies:
        assert faulty(api, body).faults == too_much
    assert faulty(api, {"name": "a", "tags": ["t"] * 4_990}).faults.keys() == {"tags"}
    assert faulty(api, {"name": "a", "tags": ["[" * 9_000]}).faults.keys() == {"tags"}


def test_many_faults_are_told_in_part(api: Client) -> None:
    answer = faulty(api, {"name": "a", "tags": [1] * 100})
    assert len(answer.faults) == 31
    assert answer.faults["body"] == "has 70 more faults"
    assert answer.json["detail"].endswith("body: has 70 more faults")


def test_what_is_within_the_bounds_passes(api: Client, house: House) -> None:
    source = "# é\n" * 50_000
    action = {"kind": "script", "language": "bash", "source": source}
    assert api("POST", "/jobs", {"name": "Long", "action": action}).status == 201
    numbers = {"input": {"numbers": list(range(4_000))}}
    assert api("POST", "/jobs/long/trigger", numbers).status == 202


def test_a_whole_number_is_one_however_it_is_written(api: Client) -> None:
    body = b'{"name": "A", "grace_s": 6.0e2, "early_s": 5.0, "slow_after_s": 2.0}'
    made = api("POST", "/watches", body).json
    assert (made["grace_s"], made["early_s"], made["slow_after_ms"]) == (600, 5, 2_000)
    for wrong in ("1.5", "1e300", "-1e308", "1e999"):
        refused = api("POST", "/watches", f'{{"name": "B", "early_s": {wrong}}}'.encode())
        assert refused.faults.keys() == {"early_s"}, refused.text
