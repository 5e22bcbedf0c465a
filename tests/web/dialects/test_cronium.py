"""Cronium's API as its document states it: events, logs, variables, tokens; faults and shapes."""

from typing import Any

import pytest

from tests.web.asgi_client import Client
from tests.web.dialects.conftest import Door

BACKUP = {"name": "Daily backup", "type": "BASH", "script": "echo hello", "schedule": "0 2 * * *"}


@pytest.fixture
def client(door: Door) -> Client:
    return door("cronium")


def made(client: Client, **changes: Any) -> Any:
    answer = client("POST", "/api/events", BACKUP | changes)
    assert answer.status == 201, answer.text
    return answer.json["event"]


def test_nothing_is_told_by_name_then_type(client: Client) -> None:
    answer = client("POST", "/api/events", {})
    assert answer.status == 400
    assert answer.json == {
        "error": "Validation Error",
        "message": "Invalid request data",
        "code": 400,
        "details": [
            {"field": "name", "message": "Name is required"},
            {
                "field": "type",
                "message": "Type must be one of: BASH, PYTHON, NODEJS, HTTP_REQUEST",
            },
        ],
        "timestamp": "2026-01-05T12:00:00Z",
    }
