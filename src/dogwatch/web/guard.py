"""The outermost layer of an application: what nobody foresaw is answered, too."""

import traceback
from collections.abc import Callable

from fastapi import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Headed = Callable[[Scope, Message], Message]
Sorry = Callable[[Scope, Exception], Response]


class Guard:
    """Answers what nobody foresaw by `sorry`, which logs it; `headed` adds to the head of each
    answer. No answer to HEAD has content."""

    def __init__(self, app: ASGIApp, headed: Headed, sorry: Sorry) -> None:
        self._app = app
        self._headed = headed
        self._sorry = sorry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        begun, head = False, scope.get("method") == "HEAD"

        async def watched(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun, message = True, self._headed(scope, message)
            if head and "body" in message:
                message = {**message, "body": b""}
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            answer = self._sorry(scope, error)
            if begun:
                raise
            await answer(scope, receive, watched)


def place_of(error: Exception) -> str:
    """Return where a mistake is, for the log: never the data it was made with."""
    return "".join(traceback.format_tb(error.__traceback__))
