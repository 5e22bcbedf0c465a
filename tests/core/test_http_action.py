import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.core.http_action import METHODS, HttpAction, check_headers, check_url, judge
from dogwatch.core.problems import Problem
from dogwatch.core.result import Outcome

URL = "https://example.org/hook?a=1"


def wrong(**fields: object) -> dict[str, str]:
    with pytest.raises(Problem) as caught:
        HttpAction.from_json({"url": URL, **fields})
    assert caught.value.kind == "invalid"
    return dict(caught.value.fields)


def test_defaults() -> None:
    action = HttpAction.from_json({"url": URL})
    assert action == HttpAction(url=URL, method="GET", headers=(), body="", timeout_s=30)
    assert (action.expected_status, action.max_redirects) == ("200-299", 5)


def test_headers_may_be_an_object_or_pairs() -> None:
    pairs = (("X-One", "1"), ("X-Two", "2"))
    assert HttpAction.from_json({"url": URL, "headers": dict(pairs)}).headers == pairs
    assert HttpAction.from_json({"url": URL, "headers": [list(p) for p in pairs]}).headers == pairs


def test_every_bad_field_is_named_at_once() -> None:
    with pytest.raises(Problem) as caught:
        HttpAction.from_json(
            {
                "url": "ftp://example.org",
                "method": "BREW",
                "headers": {"Host": "x"},
                "body": 3,
                "timeout_s": 0,
                "expected_status": "ok",
                "max_redirects": 11,
                "retries": 1,
            }
        )
    assert set(caught.value.fields) == {
        *("url", "method", "headers", "body", "timeout_s", "expected_status"),
        *("max_redirects", "retries"),
    }


def test_a_password_in_an_address_belongs_into_a_header() -> None:
    with pytest.raises(Problem, match="name or password; use an Authorization header"):
        HttpAction.from_json({"url": "https://ana:secret@example.org"})


@pytest.mark.parametrize("data", [None, [], "x", 1])
def test_only_an_object_is_an_action(data: object) -> None:
    with pytest.raises(Problem, match="JSON object"):
        HttpAction.from_json(data)


def test_the_url_is_required() -> None:
    with pytest.raises(Problem) as caught:
        HttpAction.from_json({})
    assert caught.value.fields == {"url": "is required"}


@pytest.mark.parametrize("value", [0.5, 301, True, "30", None, float("nan"), float("inf")])
def test_bad_timeouts(value: object) -> None:
    assert "timeout_s" in wrong(timeout_s=value)


@pytest.mark.parametrize("value", [-1, 11, 1.0, True, "5", None])
def test_bad_redirect_counts(value: object) -> None:
    assert "max_redirects" in wrong(max_redirects=value)


@pytest.mark.parametrize(
    "value", ["", ",", "20", "299-200", "2xx", "200-", "600", "٢٠٠", "200," * 60, 200, None]
)
def test_bad_expected_statuses(value: object) -> None:
    assert "expected_status" in wrong(expected_status=value)


@pytest.mark.parametrize(
    "value", [[["a"]], [["a", 1]], {"a": 1}, "a: b", None, {"a": "\ud800"}, {"": "x"}]
)
def test_bad_header_shapes(value: object) -> None:
    assert "headers" in wrong(headers=value)


@pytest.mark.parametrize("value", [1, None, "x" * 300_000, "\ud800"])
def test_bad_bodies(value: object) -> None:
    assert "body" in wrong(body=value)


def test_head_has_no_body() -> None:
    assert "body" in wrong(method="HEAD", body="x")


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "content-length",
        "Transfer-Encoding",
        "Connection",
        "Proxy-Authorization",
        "Upgrade",
        "TE",
        "Trailer",
        "Expect",
        "Keep-Alive",
    ],
)
def test_framing_headers_are_ours(name: str) -> None:
    assert check_headers([("X-Fine", "1"), (name, "secret")]) == (
        f"header {name} is set by Dogwatch itself"
    )


@pytest.mark.parametrize("value", ["a\r\nb", "a\nb", "a\0b", "\x7f"])
def test_header_values_hold_no_control_characters(value: str) -> None:
    assert "control characters" in (check_headers([("X-A", value)]) or "")


@pytest.mark.parametrize("name", ["", "a b", "a:", "ä", "a\n"])
def test_header_names_are_tokens(name: str) -> None:
    assert check_headers([(name, "x")]) is not None


def test_headers_are_bounded() -> None:
    assert check_headers([("X-A", "x")] * 101) == "at most 100 headers"
    assert "bytes" in (check_headers([("X-A", "x" * 33_000)]) or "")


def test_fine_headers() -> None:
    assert check_headers([("Authorization", "Bearer x"), ("X-Tab", "a\tb"), ("X-Uni", "ä")]) is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "//example.org",
        "http:/example.org",
        "http:example.org",
        "http://",
        "ftp://example.org",
        "file:///etc/passwd",
        "gopher://example.org",
        "http://user@example.org",
        "http://user:pass@example.org",
        "http://@example.org",
        "http://example.org\\@evil",
        "http://a b/",
        "http://a/\r\nX: y",
        "http://a/\x00",
        "http://example.org:0/",
        "http://example.org:99999/",
        "http://example.org:x/",
        "http://[::1",
        "http://[fe80::1%25eth0]/",
        "http://%31%32/",
        "http://a/" + "x" * 4096,
    ],
)
def test_bad_urls(url: str) -> None:
    assert check_url(url) is not None


@pytest.mark.parametrize(
    "url",
    [
        "http://a",
        "HTTPS://Example.org:8443/a/b?c=d#e",
        "http://[::1]:80/",
        "http://127.1/",
        "http://a/%20",
        "http://a/?mail=x@y",
        "http://bücher.example/ä",
    ],
)
def test_fine_urls(url: str) -> None:
    assert check_url(url) is None


def test_messages_repeat_no_secret() -> None:
    with pytest.raises(Problem) as caught:
        HttpAction.from_json(
            {"url": "http://u:hunter2@a/?k=hunter2", "headers": {"Authorization": "hunter2\n"}}
        )
    assert "hunter2" not in str(caught.value)
    assert set(caught.value.fields) == {"url", "headers"}


@pytest.mark.parametrize(
    ("expected", "status", "outcome", "reason"),
    [
        ("200-299", 200, Outcome.OK, "status 200"),
        ("200-299", 299, Outcome.OK, "status 299"),
        ("200-299", 503, Outcome.FAIL, "expected status 200-299, got 503"),
        ("200-299, 301", 301, Outcome.OK, "status 301"),
        ("404", 200, Outcome.FAIL, "expected status 404, got 200"),
    ],
)
def test_judge(expected: str, status: int, outcome: Outcome, reason: str) -> None:
    action = HttpAction.from_json({"url": URL, "expected_status": expected})
    assert judge(action, status) == (outcome, reason)


@given(
    method=st.sampled_from(METHODS),
    headers=st.dictionaries(st.from_regex(r"X-[a-z]{1,9}", fullmatch=True), st.text("abc ä")),
    body=st.text(st.characters(exclude_categories=["Cs"])),
    timeout_s=st.floats(1, 300) | st.integers(1, 300),
    max_redirects=st.integers(0, 10),
)
def test_json_round_trip(
    method: str, headers: dict[str, str], body: str, timeout_s: float, max_redirects: int
) -> None:
    action = HttpAction.from_json(
        {
            "url": URL,
            "method": method,
            "headers": headers,
            "body": "" if method == "HEAD" else body,
            "timeout_s": timeout_s,
            "max_redirects": max_redirects,
        }
    )
    assert HttpAction.from_json(json.loads(json.dumps(action.to_json()))) == action
