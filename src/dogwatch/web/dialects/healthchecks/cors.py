"""Cross-origin calls (CORS): scripts of any page may ask, as Healthchecks lets them."""

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dogwatch.web.api.problems import allowed

_ORIGIN, _HEADERS, _AGE_S = b"*", b"X-Api-Key", b"600"


class Cors:
    """Adds to each answer of the API who may read it, and answers OPTIONS."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http" or "/api/" not in scope["path"]:
            await self._app(scope, receive, send)
            return
        methods = [name for name in allowed(Request(scope)) if name != "HEAD"]
        headers = [
            (b"access-control-allow-origin", _ORIGIN),
            (b"access-control-allow-headers", _HEADERS),
            (b"access-control-allow-methods", ", ".join([*methods, "OPTIONS"]).encode()),
            (b"access-control-max-age", _AGE_S),
        ]
        if scope["method"] == "OPTIONS" and methods:
            await send({"type": "http.response.start", "status": 204, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *headers]}
            await send(message)

        await self._app(scope, receive, told)
