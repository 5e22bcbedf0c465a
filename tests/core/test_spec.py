"""What a user says of a watch: every limit of every field, and slugs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.core.problems import Problem
from dogwatch.core.spec import MAX_LIMIT_S, WatchSpec, check, slug_of

YEAR_MS = MAX_LIMIT_S * 1_000
GOOD = [
    ("name", "x" * 200), ("name", "  padded  "), ("slug", None), ("slug", "a"), ("slug", "7z"),
    ("slug", "a-b_9" * 12 + "abcd"), ("description", "x" * 4_000), ("tags", ("t" * 50,)),
    ("tags", tuple("abcdefghijklmnopqrst")), ("project", "p"), ("project", "p" * 64),
    ("schedule", None), ("schedule", "0 2 * * *"), ("timezone", "Europe/Berlin"),
    ("start_by_s", None), ("start_by_s", 0), ("start_by_s", MAX_LIMIT_S), ("finish_by_s", None),
    ("finish_by_s", 1), ("finish_by_s", MAX_LIMIT_S), ("slow_after_ms", 1),
    ("slow_after_ms", YEAR_MS), ("min_duration_ms", 0), ("min_duration_ms", YEAR_MS),
    ("early_s", 0), ("early_s", MAX_LIMIT_S), ("failures_before_down", 1),
    ("failures_before_down", 100), ("successes_before_up", 1), ("successes_before_up", 100),
]  # fmt: skip
BAD = [
    ("name", ""), ("name", "   "), ("name", "\x00"), ("name", "x" * 201), ("slug", ""),
    ("slug", "a" * 65), ("slug", "A"), ("slug", "a b"), ("slug", "ä"), ("slug", "a\n"),
    ("slug", "start"), ("slug", "fail"), ("slug", "log"),
    ("slug", "7"), ("slug", "2024"), ("slug", "-1"), ("description", "x" * 4_001),
    ("tags", ("t" * 51,)), ("tags", ("",)), ("tags", (" ",)),
    ("tags", tuple("abcdefghijklmnopqrstu")),
    ("project", ""), ("project", "p" * 65), ("schedule", ""), ("schedule", "61 * * * *"),
    ("timezone", "Mars/Olympus"), ("start_by_s", -1), ("start_by_s", MAX_LIMIT_S + 1),
    ("finish_by_s", 0), ("finish_by_s", MAX_LIMIT_S + 1), ("slow_after_ms", 0),
    ("slow_after_ms", YEAR_MS + 1), ("min_duration_ms", -1), ("min_duration_ms", YEAR_MS + 1),
    ("early_s", -1), ("early_s", MAX_LIMIT_S + 1), ("failures_before_down", 0),
    ("failures_before_down", 101), ("successes_before_up", 0), ("successes_before_up", 101),
]  # fmt: skip


def spec(**fields: object) -> WatchSpec:
    return WatchSpec(**{"name": "Backup", **fields})  # type: ignore[arg-type]  # any field


@pytest.mark.parametrize(("field", "value"), GOOD)
def test_good_values_are_kept(field: str, value: object) -> None:
    kept = getattr(check(spec(**{field: value})), field)
    assert kept == (value.strip() if isinstance(value, str) else value)


@pytest.mark.parametrize(("field", "value"), BAD)
def test_a_bad_value_is_named_by_its_field(field: str, value: object) -> None:
    with pytest.raises(Problem) as caught:
        check(spec(**{field: value}))
    assert caught.value.kind == "invalid"
    assert set(caught.value.fields) == {field}
    assert field in caught.value.message


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(Problem) as caught:
        check(spec(name="", slug="A", schedule="nonsense", early_s=-1))
    assert set(caught.value.fields) == {"name", "slug", "schedule", "early_s"}


def test_texts_are_tidied() -> None:
    kept = check(spec(name=" a\x00b\ud800 ", description="\x00d", tags=(" x ", "x", "y")))
    assert (kept.name, kept.description, kept.tags) == ("ab?", "d", ("x", "y"))


def test_the_plan_has_every_limit() -> None:
    limits = {
        "start_by_s": 1, "finish_by_s": 2, "slow_after_ms": 3, "min_duration_ms": 4, "early_s": 5,
        "failures_before_down": 6, "successes_before_up": 7,
    }  # fmt: skip
    plan = spec(schedule="0 2 * * *", timezone="Europe/Berlin", **limits).plan()
    assert {name: getattr(plan, name) for name in limits} == limits
    assert plan.schedule
    assert (plan.schedule.text, plan.schedule.timezone) == ("0 2 * * *", "Europe/Berlin")
    assert spec().plan().schedule is None


def test_a_heartbeat_has_a_deadline_and_a_job_need_not() -> None:
    assert spec(start_by_s=None).plan().start_by_s == 300
    assert spec(start_by_s=0).plan().start_by_s == 0
    assert spec(start_by_s=None).plan(job=True).start_by_s is None


@pytest.mark.parametrize(
    ("name", "taken", "slug"),
    [
        ("Nightly Backup!", (), "nightly-backup"),
        ("Überprüfung", (), "uberprufung"),
        ("日本", (), "watch"),
        ("start", (), "start-2"),
        ("7", (), "7-2"),
        ("2024", ("2024-2",), "2024-3"),
        ("2024 b", (), "2024-b"),
        ("a", ("a",), "a-2"),
        ("a", ("a", "a-2", "a-4"), "a-3"),
        ("x" * 300, (), "x" * 48),
    ],
)
def test_slugs(name: str, taken: tuple[str, ...], slug: str) -> None:
    assert slug_of(name, taken) == slug


@given(st.lists(st.one_of(st.sampled_from(["a", "A!", "log", "a-2", "日本"]), st.text())))
def test_slugs_are_valid_and_unique(names: list[str]) -> None:
    taken: set[str] = set()
    for name in names:
        slug = slug_of(name, taken)
        assert slug not in taken
        assert check(spec(slug=slug)).slug == slug
        taken.add(slug)
