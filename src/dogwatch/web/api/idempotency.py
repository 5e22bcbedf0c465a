"""`Idempotency-Key` on POST (draft-ietf-httpapi-idempotency-key-header), kept for 24 hours."""

import hashlib
import json
import re

from fastapi import Request, Response

from dogwatch.core.problems import invalid
from dogwatch.usecases.callers import Caller
from dogwatch.usecases.once import Done, Sent

HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


async def sent_of(request: Request, caller: Caller) -> Sent | None:
    """Return the key of a request with the fingerprint of all that it asks; None without one.

    Who asks is part of it: an answer may hold a secret, and is for nobody else.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise invalid(HEADER, "give 1 to 255 printable ASCII characters without blanks")
    asked = f"{caller.id} {request.method} {request.url.path}?{request.url.query}\n".encode()
    fingerprint = hashlib.sha256(asked + await request.body()).hexdigest()
    return Sent(caller.workspace_id, key, fingerprint)


def answered(done: Done, request: Request, place: str | None) -> Response:
    """Return the answer; `place` is the list in which the new thing is found by its id."""
    headers = {"Idempotent-Replayed": "true"} if done.replayed else {}
    if place:
        base = request.scope.get("root_path", "")
        headers["Location"] = f"{base}/{place}/{json.loads(done.body)['id']}"
    return Response(done.body, done.status, headers, "application/json")
