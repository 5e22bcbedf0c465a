import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_network
from typing import Any

import pytest

from dogwatch.core.addresses import Network
from dogwatch.core.http_action import MAX_HEADERS, HttpAction
from dogwatch.core.result import Outcome, Result
from dogwatch.egress import Egress
from dogwatch.runners.http import run_http

LOOPBACK = (ip_network("127.0.0.0/8"),)


@asynccontextmanager
async def serving(answer: bytes | None) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Yield the URL of a server that gives one answer, or none at all, and what it heard."""
    heard: list[bytes] = []
    tasks: set[asyncio.Task[Any] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        if answer is None:
            await reader.read()
        else:
            writer.write(answer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/?token=s3cret", heard
    finally:
        listening.close()
        await asyncio.gather(*filter(None, tasks))


class Output:
    def __init__(self) -> None:
        self.chunks: list[tuple[str, bytes]] = []

    def __call__(self, stream: str, chunk: bytes) -> None:
        self.chunks.append((stream, chunk))

    @property
    def text(self) -> str:
        assert {stream for stream, _ in self.chunks} <= {"stdout"}
        return b"".join(chunk for _, chunk in self.chunks).decode()


async def attempt(
    answer: bytes | None, allow: Sequence[Network] = LOOPBACK, query: str = "", **fields: Any
) -> tuple[Result, str, list[bytes]]:
    output = Output()
    egress = Egress(allow)
    async with serving(answer) as (url, heard):
        action = HttpAction(**{"url": url + query, **fields})
        result = await run_http(egress, action, run_id="r1", attempt=2, on_output=output)
    await egress.close()
    return result, output.text, heard


def answer(status: str = "200 OK", body: bytes = b"done", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def test_an_answer_that_repeats_the_request_tells_no_secret_of_it() -> None:
    body = b"you are Bearer s3cret-token, czNjcmV0LXRva2Vu, of text/x-echo"
    headers = (("Authorization", "Bearer s3cret-token"), ("Accept", "text/x-echo"))
    said = answer("200 OK", body, "X-Token: s3cret-token")
    _, text, heard = asyncio.run(attempt(said, headers=headers))
    assert b"s3cret-token" in heard[0]
    assert text.endswith("X-Token: ***\nContent-Length: 61\n\nyou are ***, ***, of text/x-echo")


def test_an_answer_that_repeats_the_address_tells_no_secret_of_it() -> None:
    said = answer("200 OK", b"/?Api_Key=top%20secret&page=seventh: top secret is wrong")
    _, text, heard = asyncio.run(attempt(said, query="&Api_Key=top%20secret&page=seventh"))
    assert b"top%20secret" in heard[0]
    assert text.endswith("/?Api_Key=***&page=seventh: *** is wrong")


def test_an_answer_that_repeats_the_body_tells_no_secret_of_it() -> None:
    sent = '{"user": "bobby-1", "password": "hunter22"}'
    said = answer("200 OK", b"bobby-1 with hunter22 is nobody")
    _, text, _ = asyncio.run(attempt(said, method="POST", body=sent))
    assert text.endswith("\n\nbobby-1 with *** is nobody")


def test_a_good_answer() -> None:
    result, text, heard = asyncio.run(attempt(answer("200 OK", b"done", "X-One: 1")))
    assert (result.outcome, result.reason, result.status_code) == (Outcome.OK, "status 200", 200)
    assert text == "HTTP 200 OK\nX-One: 1\nContent-Length: 4\n\ndone"
    assert result.phases_ms["total"] > 0
    assert result.duration_ms >= 0
    assert b"\r\nDogwatch-Run-Id: r1\r\n" in heard[0]
    assert b"\r\nDogwatch-Attempt: 2\r\n" in heard[0]


def test_as_many_headers_as_may_be_saved_can_be_sent() -> None:
    saved = HttpAction.from_json({"url": "http://a", "headers": [["X-A", "1"]] * MAX_HEADERS})
    result, _, heard = asyncio.run(attempt(answer(), headers=saved.headers))
    assert result.outcome == Outcome.OK
    assert heard[0].count(b"X-A: 1\r\n") == MAX_HEADERS


def test_an_unexpected_status() -> None:
    result, text, _ = asyncio.run(attempt(answer("503 Service Unavailable")))
    assert (result.outcome, result.status_code) == (Outcome.FAIL, 503)
    assert result.reason == "expected status 200-299, got 503"
    assert result.retryable
    assert text.startswith("HTTP 503 Service Unavailable\n")


def test_an_expected_failure_status() -> None:
    result, text, _ = asyncio.run(attempt(answer("799 Odd"), expected_status="404"))
    assert (result.outcome, result.reason) == (Outcome.FAIL, "expected status 404, got 799")
    assert text.startswith("HTTP 799\n")


def test_a_timeout() -> None:
    result, text, _ = asyncio.run(attempt(None, timeout_s=0.2))
    assert (result.outcome, result.reason) == (Outcome.TIMEOUT, "timed out after 0.2 s")
    assert (result.status_code, text) == (None, "")
    assert result.duration_ms >= 190


def test_a_blocked_address_is_not_tried_again() -> None:
    result, text, heard = asyncio.run(attempt(answer(), allow=()))
    assert result.outcome is Outcome.FAIL
    assert result.reason == "could not connect"
    assert result.detail == "blocked address: loopback; --allow-private-targets can allow it"
    assert not result.retryable
    assert (text, heard) == ("", [])


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:1/?token=s3cret", "could not connect"),
        (f"http://{'a' * 70}/?token=s3cret", "could not resolve host"),
    ],
)
def test_trouble_on_the_way(url: str, reason: str) -> None:
    result, text, _ = asyncio.run(attempt(answer(), url=url))
    assert (result.outcome, result.reason, text) == (Outcome.FAIL, reason, "")
    assert result.retryable


def test_a_redirect_is_followed_and_a_loop_is_not() -> None:
    result, _, heard = asyncio.run(
        attempt(answer("302 Found", b"", "Location: /"), max_redirects=2)
    )
    assert (result.outcome, result.reason) == (Outcome.FAIL, "more than 2 redirects")
    assert len(heard) == 3


def test_a_cut_answer_says_so_and_the_status_decides() -> None:
    result, text, _ = asyncio.run(attempt(answer(body=b"x" * 2_000_000)))
    assert result.outcome == Outcome.OK
    assert text.endswith("x\n[the answer is cut after 1048576 bytes]\n")


def test_cookies_are_blanked() -> None:
    _, text, _ = asyncio.run(attempt(answer("200 OK", b"", "Set-Cookie: id=s3cret")))
    assert "Set-Cookie: ***\n" in text
    assert "s3cret" not in text


def test_cancelling_propagates() -> None:
    async def scenario() -> None:
        egress = Egress(LOOPBACK)
        async with serving(None) as (url, heard):
            run = run_http(egress, HttpAction(url=url), run_id="r1", attempt=1, on_output=Output())
            task = asyncio.ensure_future(run)
            async with asyncio.timeout(60):
                while not heard:
                    await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await egress.close()

    asyncio.run(scenario())
