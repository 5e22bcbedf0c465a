"""The helpers over HTTP, as Cronium's own clients speak: /executions/{id}/… with a run's token."""

import json
import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dogwatch.core.helper import VOID, Reply
from dogwatch.core.problems import Problem
from dogwatch.core.variable import DATA_BYTES, json_text, text_of
from dogwatch.usecases.desk import Desk, Desks
from dogwatch.web.api.problems import STATUSES

MOST_BYTES = DATA_BYTES + 1024
_TOKEN = re.compile(r"(?i:bearer) +([A-Za-z0-9]{1,100}) *")
_UNREADABLE = "the body must be a JSON object with"

Handler = Callable[[Desk, Request], Awaitable[Response]]


class RefusedError(Exception):
    """An answer that is none of a use-case's."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def remote(desks: Desks) -> Starlette:
    """Return the application."""
    run = "/executions/{id}"
    app = Starlette(
        routes=[
            Route("/health", _health),
            Route(f"{run}/input", _keyed(_input), methods=["GET"]),
            Route(f"{run}/output", _keyed(_output), methods=["POST"]),
            Route(f"{run}/context", _keyed(_context), methods=["GET"]),
            Route(f"{run}/condition", _keyed(_condition), methods=["POST"]),
            Route(f"{run}/variables/{{key:path}}", _keyed(_show), methods=["GET"]),
            Route(f"{run}/variables/{{key:path}}", _keyed(_set), methods=["PUT"]),
            Route("/tool-actions/execute", _keyed(_tool), methods=["POST"]),
        ]
    )
    app.state.desks = desks
    return app


def _keyed(handle: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Return the handler behind the check of the token."""

    async def answer(request: Request) -> Response:
        try:
            return await handle(_desk(request), request)
        except RefusedError as refused:
            return _error(refused.status, refused.message)
        except Problem as problem:
            status = 400 if problem.kind == "invalid" else STATUSES[problem.kind]
            return _error(status, problem.message)

    return answer


def _desk(request: Request) -> Desk:
    """Return the desk of the token; it opens its own run alone."""
    given = _TOKEN.fullmatch(request.headers.get("authorization", ""))
    desks: Desks = request.app.state.desks
    desk = desks.find(given[1]) if given else None
    if desk is None:
        raise RefusedError(401, f"missing or invalid execution token: {VOID}")
    if request.path_params.get("id", desk.run_id) != desk.run_id:
        raise RefusedError(403, "execution ID mismatch")
    return desk


def _error(status: int, message: str) -> Response:
    return JSONResponse({"error": HTTPStatus(status).phrase, "message": message}, status)


def _answer(reply: Reply) -> Response:
    """Answer `{"success": true}` with the data of a reply, if it has some."""
    told: dict[str, Any] = {"success": True}
    if reply.kind == "json":
        told["data"] = json.loads(reply.body)
    return JSONResponse(told)


async def _field(request: Request, name: str) -> Any:
    """Return a field of the body."""
    body = b""
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > MOST_BYTES:
                raise RefusedError(413, f"at most {DATA_BYTES} bytes")
        return json.loads(body)[name]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise RefusedError(400, f"{_UNREADABLE} {name!r}") from None
    except ClientDisconnect:
        raise RefusedError(400, "the body is cut short") from None


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _input(desk: Desk, request: Request) -> Response:
    return _answer(await desk.ask("input", ()))


async def _context(desk: Desk, request: Request) -> Response:
    return _answer(await desk.ask("event", ()))


async def _output(desk: Desk, request: Request) -> Response:
    return _answer(await desk.ask("output", (json_text(await _field(request, "data")),)))


async def _condition(desk: Desk, request: Request) -> Response:
    given = await _field(request, "condition")
    met = given if isinstance(given, str) else json_text(bool(given))
    return _answer(await desk.ask("setCondition", (met,)))


async def _show(desk: Desk, request: Request) -> Response:
    key = request.path_params["key"]
    reply = await desk.ask("getVariable", (key,))
    if reply.kind == "none":
        return _error(404, "variable not found")
    return JSONResponse({"success": True, "data": {"key": key, "value": reply.body}})


async def _set(desk: Desk, request: Request) -> Response:
    value = text_of(await _field(request, "value"))
    return _answer(await desk.ask("setVariable", (request.path_params["key"], value)))


async def _tool(desk: Desk, request: Request) -> Response:
    raise RefusedError(403, "tool actions are not available; send messages through a channel")
