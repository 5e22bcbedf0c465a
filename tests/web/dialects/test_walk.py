"""One watch is walked through every dialect: what is done in one shows in all, and spoils none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from dogwatch.web.dialects import TONGUES
from tests.web.asgi_client import Client
from tests.web.dialects.conftest import Door, House

Call = tuple[str, str, Any]


@dataclass(frozen=True)
class Guide:
    """How a dialect makes, lists, renames, pauses and resumes; `{}` in a path is the id.

    What it cannot do is None. `jobs_only`: what is only watched is nothing to it. `moves` are
    members that tell of the present, `rests` says which of them show that it is paused; `made` is
    the status that making answers.
    """

    make: Call | None
    path: str
    many: str
    id: str
    rename: tuple[str, str]
    pause: Call | None
    resume: Call | None
    rests: tuple[str, Any] | None
    moves: frozenset[str]
    jobs_only: bool = False
    made: int = 201


GUIDES: Mapping[str, Guide] = {
    "cronbeats": Guide(
        ("POST", "/api/v1/jobs", {"name": "walked", "expected_interval_seconds": 86400}),
        "/api/v1/jobs", "data", "id", ("PUT", "/{}/update"),
        ("POST", "/{}/pause", None), ("POST", "/{}/resume", None),
        ("is_enabled", False), frozenset({"is_enabled", "current_state", "updated_at"}),
    ),
    "cronium": Guide(
        ("POST", "/api/events", {"name": "walked", "type": "BASH", "script": "true", "status":
         "ACTIVE", "schedule": "*/20 * * * * *", "envVars": {"A": "b"}, "timezone":
         "Europe/Warsaw", "timeoutValue": 5, "timeoutUnit": "MINUTES", "retries": 2}),
        "/api/events", "events", "id", ("PATCH", "/{}"),
        ("PATCH", "/{}", {"status": "PAUSED"}), ("PATCH", "/{}", {"status": "ACTIVE"}),
        ("status", "PAUSED"), frozenset({"status", "nextRunAt", "nextRun", "updatedAt"}),
        jobs_only=True,
    ),
    "cronmonitor": Guide(
        ("POST", "/api/v1/monitors", {"name": "walked", "schedule": "0 2 * * *",
                                      "timezone": "Europe/Warsaw", "grace_period": 77}),
        "/api/v1/monitors", "data", "id", ("PATCH", "/{}"),
        ("POST", "/{}/pause", None), ("POST", "/{}/resume", None),
        ("status", "paused"), frozenset({"status", "next_expected_at"}),
    ),
    "cronowl": Guide(
        ("POST", "/api/v1/checks", {"name": "walked", "cronExpression": "0 2 * * *",
                                    "timezone": "Europe/Warsaw", "gracePeriod": 7,
                                    "tags": ["a", "b"]}),
        "/api/v1/checks", "data", "id", ("PATCH", "/{}"),
        ("POST", "/{}/pause", None), ("POST", "/{}/resume", None),
        ("paused", True), frozenset({"paused", "status"}), made=200,
    ),
    "cronpulse": Guide(
        None, "/api/v1/jobs", "", "id", ("PUT", "/{}"), None, None, None,
        frozenset({"lastStatus", "lastActivityAt", "nextRunAt"}),
    ),
    "healthchecks": Guide(
        ("POST", "/api/v3/checks/", {"name": "walked", "schedule": "0 2 * * *",
                                     "tz": "Europe/Warsaw", "grace": 77, "tags": "a b"}),
        "/api/v3/checks/", "checks", "uuid", ("POST", "{}"),
        ("POST", "{}/pause", {}), ("POST", "{}/resume", {}),
        ("status", "paused"), frozenset({"status", "next_ping"}),
    ),
}  # fmt: skip
NAMES = [tongue.name for tongue in TONGUES]
ORIGINS = [name for name in NAMES if GUIDES[name].make]


@dataclass(frozen=True)
class Walker:
    """One dialect, with its key."""

    name: str
    client: Client

    @property
    def guide(self) -> Guide:
        return GUIDES[self.name]

    def view(self) -> dict[str, Any] | None:
        """Return how the one watch looks here; None where it is nothing to this dialect."""
        answer = self.client.get(self.guide.path)
        assert answer.status == 200, answer.text
        many = self.guide.many
        found: list[dict[str, Any]] = answer.json[many] if many else answer.json
        assert len(found) <= 1
        return found[0] if found else None

    def lasting(self) -> dict[str, Any] | None:
        """Return the part of its look that no pause changes."""
        view = self.view()
        return view and {name: view[name] for name in view if name not in self.guide.moves}

    def rests(self) -> bool:
        view, rests = self.view() or {}, self.guide.rests
        return bool(rests and view[rests[0]] == rests[1])

    def does(self, call: Call | None) -> None:
        assert call is not None
        method, end, body = call
        view = self.view()
        assert view is not None
        answer = self.client(method, self.guide.path + end.format(view[self.guide.id]), body)
        assert answer.status == 200, answer.text


@pytest.fixture
def walkers(door: Door) -> list[Walker]:
    return [Walker(name, door(name)) for name in NAMES]


def test_every_dialect_has_its_guide() -> None:
    assert set(NAMES) == set(GUIDES)


@pytest.mark.parametrize("origin", ORIGINS)
def test_one_watch_is_walked_through_all(walkers: list[Walker], origin: str) -> None:
    maker = next(one for one in walkers if one.name == origin)
    assert maker.guide.make
    method, path, body = maker.guide.make
    assert maker.client(method, path, body).status == maker.guide.made
    seers = [one for one in walkers if maker.guide.jobs_only or not one.guide.jobs_only]
    assert [one for one in walkers if one.view()] == seers
    first = {one.name: one.lasting() for one in seers}
    for walker in seers:
        name = f"renamed by {walker.name}"
        walker.does((*walker.guide.rename, {"name": name}))
        _all_look(seers, first, name)
        if walker.guide.pause is None:
            continue
        walker.does(walker.guide.pause)
        assert all(one.rests() for one in seers if one.guide.rests), walker
        _all_look(seers, first, name)
        walker.does(walker.guide.resume)
        assert not any(one.rests() for one in seers), walker
        _all_look(seers, first, name)


def _all_look(seers: list[Walker], first: Mapping[str, Any], name: str) -> None:
    """Everywhere it looks as at first, but for its name."""
    for one in seers:
        assert one.lasting() == {**first[one.name], "name": name}, one.name


def test_a_draft_that_another_dialect_wakes_is_none_any_more(
    walkers: list[Walker], house: House
) -> None:
    mine = {one.name: one for one in walkers}
    cronium, other = mine["cronium"], mine["cronbeats"]
    cronium.client("POST", "/api/events", {"name": "x", "type": "BASH", "script": "true"})
    assert (cronium.view() or {})["status"] == "DRAFT"
    assert other.rests()
    other.does(other.guide.resume)
    assert (cronium.view() or {})["status"] == "ACTIVE"
    house.clock.advance(1)
    other.does(other.guide.pause)
    assert (cronium.view() or {})["status"] == "PAUSED"
