"""Runs an HTTP action once and says in words how it went."""

from collections.abc import Callable
from http import HTTPStatus

from dogwatch.core.http_action import HttpAction, judge
from dogwatch.core.masking import Masker
from dogwatch.core.result import Outcome, Result
from dogwatch.egress import Egress, EgressError, Request, Response

OnOutput = Callable[[str, bytes], None]

# Another attempt meets the same policy and the same URL.
_FINAL = frozenset({"blocked", "bad_url"})
_SECRET_HEADERS = frozenset({"set-cookie", "set-cookie2"})


async def run_http(
    egress: Egress, action: HttpAction, *, run_id: str, attempt: int, on_output: OnOutput
) -> Result:
    """Return the result of one attempt; network trouble is a result, never an exception.

    The server learns the run and the attempt from two headers. The answer, decoded and without
    cookies and what is secret in the request, goes to `on_output("stdout", ...)`. A cancelled task
    closes the connection.
    """
    started = egress.clock.monotonic()
    try:
        response = await egress.fetch(_request(action, run_id, attempt))
    except EgressError as error:
        return _failed(error, _ms_since(egress, started))
    masker = Masker(action.secrets)
    for chunk in (*map(masker.feed, _preview(response)), masker.end()):
        if chunk:
            on_output("stdout", chunk)
    outcome, reason = judge(action, response.status_code)
    return Result(
        outcome,
        reason,
        duration_ms=_ms_since(egress, started),
        status_code=response.status_code,
        phases_ms=response.phases_ms,
    )


def _ms_since(egress: Egress, start: float) -> int:
    return round((egress.clock.monotonic() - start) * 1000)


def _request(action: HttpAction, run_id: str, attempt: int) -> Request:
    told = (("Dogwatch-Run-Id", run_id), ("Dogwatch-Attempt", str(attempt)))
    return Request(
        method=action.method,
        url=action.url,
        headers=(*action.headers, *told),
        body=action.body.encode(),
        timeout_s=action.timeout_s,
        max_redirects=action.max_redirects,
    )


def _failed(error: EgressError, duration_ms: int) -> Result:
    outcome = Outcome.TIMEOUT if error.kind == "timeout" else Outcome.FAIL
    retryable = error.kind not in _FINAL
    return Result(
        outcome,
        error.public,
        duration_ms=duration_ms,
        retryable=retryable,
        error="connect" if error.hidden else error.kind,
        detail=str(error) if error.hidden else "",
    )


def _preview(response: Response) -> list[bytes]:
    lines = [f"HTTP {response.status_code} {_phrase(response.status_code)}".rstrip()]
    lines += [f"{name}: {_shown(name, value)}" for name, value in response.headers]
    head = "\n".join(lines) + "\n\n"
    cut = f"\n[the answer is cut after {len(response.body)} bytes]\n" if response.truncated else ""
    return [head.encode(), response.body, cut.encode()]


def _shown(name: str, value: str) -> str:
    return "***" if name.lower() in _SECRET_HEADERS else value


def _phrase(status_code: int) -> str:
    try:
        return HTTPStatus(status_code).phrase
    except ValueError:
        return ""
