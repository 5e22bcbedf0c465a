"""What end-to-end tests are handed: real servers, which are audited at the end, and receivers."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.receivers import Mails, Webhooks, mail_receiver, webhook_receiver
from tests.harness.served import Served
from tests.harness.tls import server_context

Serve = Callable[..., Served]


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> dict[str, str]:
    """The flags of a store: the test runs once on each kind. Name it before `serve`."""
    return flags_of(request)


def flags_of(request: pytest.FixtureRequest) -> dict[str, str]:
    """Return the flags of the kind of store that a fixture is asked for."""
    return (
        {} if request.param == "sqlite" else {"database": request.getfixturevalue("postgres_url")}
    )


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start servers: `serve(database=URL, **flags)`. In the end each is stopped and audited.

    `begin=False` leaves the start to the test.
    """
    made: list[Served] = []
    numbers = itertools.count(1)

    def start(*, begin: bool = True, **flags: str) -> Served:
        named = {name.replace("_", "-"): value for name, value in flags.items()}
        served = Served(tmp_path / f"node-{next(numbers)}", named)
        made.append(served)
        return served.start() if begin else served

    try:
        yield start
        for served in made:
            served.close()
    finally:
        for served in made:
            if served.process is not None:
                served.kill9()


@pytest.fixture
def webhooks() -> Iterator[Webhooks]:
    """A webhook endpoint."""
    with webhook_receiver() as hooks:
        yield hooks


@pytest.fixture(params=["plain", "starttls"])
def mails(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Mails]:
    """A mail server, once without and once with STARTTLS."""
    with mail_receiver(server_context(tmp_path) if request.param == "starttls" else None) as box:
        yield box
