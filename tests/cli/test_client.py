"""The client: which server, which key, pages, events, and errors in the server's words."""

import json
from pathlib import Path

import pytest

from dogwatch.cli.client import Api, connect, refusal, server_of
from dogwatch.cli.session import Session
from dogwatch.core.problems import Problem
from tests.cli.stub import Stub


def session(home: Path, server: str | None = None, **variables: str) -> Session:
    return Session(data=str(home), server=server, environ={"HOME": str(home), **variables})


def test_the_server_is_named_remembered_or_the_default(home: Path) -> None:
    assert server_of(Session(environ={"HOME": str(home)})) == "http://127.0.0.1:8000"
    with pytest.raises(Problem, match="no server has run on"):
        server_of(session(home))  # whoever listens at the default address is another
    (home / "server.url").write_text("http://127.0.0.1:9000\n")
    assert server_of(session(home)) == "http://127.0.0.1:9000"
    assert server_of(session(home, DOGWATCH_SERVER="https://a/")) == "https://a"
    assert server_of(session(home, "https://b", DOGWATCH_SERVER="https://a")) == "https://b"


@pytest.mark.parametrize(
    ("server", "shown"),
    [
        ("127.0.0.1:21100", "127.0.0.1:21100"),
        ("ana:secret@watch:80", "watch:80"),
        ("ftp://ana:secret@watch", "ftp://watch"),
    ],
)
def test_what_is_no_address_of_a_server_is_told_as_it_was_given(
    home: Path, server: str, shown: str
) -> None:
    with pytest.raises(Problem, match=f"^{shown} is not a server's address; give http://"):
        connect(session(home, server)).get("/watches")


def test_the_key_is_the_environments_else_the_data_directorys(home: Path) -> None:
    (home / "server.url").write_text("http://127.0.0.1:9000\n")
    assert connect(session(home, DOGWATCH_KEY="k9")).key == "k9"
    assert connect(session(home)).key == "k1"


def test_the_key_file_is_for_its_own_server_only(home: Path) -> None:
    assert connect(session(home, "https://other.example.org")).key is None
    (home / "server.url").write_text("https://own.example.org\n")
    assert connect(session(home, "https://own.example.org/")).key == "k1"


def test_pages_are_followed_up_to_the_limit(stub: Stub) -> None:
    stub.replies["GET /api/v1/runs"] = (200, {"data": [1, 2], "next_cursor": "c"})
    assert Api(stub.url, "k").pages("/runs", 5, outcome=None) == [1, 2, 1, 2, 1]
    assert [request.query for request in stub.requests] == [
        {"limit": "5"},
        {"limit": "3", "cursor": "c"},
        {"limit": "1", "cursor": "c"},
    ]
    assert stub.requests[0].authorization == "Bearer k"


def test_the_last_page_ends_it(stub: Stub) -> None:
    stub.replies["GET /api/v1/runs"] = (200, {"data": [1], "next_cursor": None})
    assert Api(stub.url, None).pages("/runs", 50) == [1]
    assert stub.requests[0].authorization is None


def test_events_of_a_stream(stub: Stub) -> None:
    text = (
        ': hello\n\nevent: output\ndata: {"text":\ndata: "a"}\n\n: beat\n\ndata: 3\n\nevent: end\n'
    )
    stub.replies["GET /api/v1/x"] = (200, text)
    assert list(Api(stub.url, None).events("/x")) == [("output", {"text": "a"}), ("message", 3)]


def test_every_bad_field_is_told(stub: Stub) -> None:
    errors = [{"field": "name", "message": "is empty"}, {"field": "tz", "message": "unknown"}]
    stub.replies["POST /api/v1/watches"] = (422, {"detail": "2 bad fields", "errors": errors})
    with pytest.raises(Problem) as caught:
        Api(stub.url, None).send("POST", "/watches", {})
    assert caught.value.message == "2 bad fields\n  name: is empty\n  tz: unknown"
    assert caught.value.fields == {"name": "is empty", "tz": "unknown"}


@pytest.mark.parametrize("answer", ["<html>", "[1]", '{"errors": [3]}'])
def test_an_error_without_words_is_still_told(stub: Stub, answer: str) -> None:
    stub.replies["GET /api/v1/x"] = (502, answer)
    with pytest.raises(Problem) as caught:
        Api(stub.url, None).get("/x")
    assert (caught.value.kind, caught.value.message) == ("away", "the server answered 502")


def test_no_key_says_where_to_get_one(stub: Stub) -> None:
    stub.replies["GET /api/v1/x"] = (401, {"title": "Unauthorized"})
    with pytest.raises(Problem) as caught:
        Api(stub.url, None).get("/x")
    assert "DOGWATCH_KEY" in caught.value.message


def test_something_else_listening_is_told(stub: Stub) -> None:
    stub.replies["GET /api/v1/x"] = (200, "<html>")
    with pytest.raises(Problem) as caught:
        Api(stub.url, None).get("/x")
    assert "does not answer like a Dogwatch server" in caught.value.message


def test_a_field_that_the_message_names_is_not_told_twice() -> None:
    fault = {"field": "slug", "message": "x is taken"}
    told = {"detail": "slug: x is taken", "errors": [fault, {"field": "name", "message": "bad"}]}
    problem = refusal(409, json.dumps(told).encode())
    assert problem.message == "slug: x is taken\n  name: bad"
    assert problem.fields == {"slug": "x is taken", "name": "bad"}
