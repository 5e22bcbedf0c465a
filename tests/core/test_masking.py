"""Masks: no secret gets through in any usual form, however it is cut; all else does."""

import base64
import json
import textwrap
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.core.masking import (
    MANY_FORMS,
    MASK,
    MOST_HIDDEN,
    Masker,
    forms,
    hidden,
    holds_secrets,
    json_without,
    secrets_in_body,
)

SECRET = 'pä/ss+wo rd?"\\'


def masked(text: bytes, *secrets: str, cut: int = 0) -> bytes:
    """Return what comes out of a masker, fed in pieces of `cut` bytes, or at once."""
    masker, size = Masker(secrets), cut or len(text) or 1
    pieces = [masker.feed(text[at : at + size]) for at in range(0, len(text), size)]
    return b"".join([*pieces, masker.end()])


@pytest.mark.parametrize(
    "said",
    [
        SECRET.encode(),
        json.dumps({"k": SECRET}).encode(),
        json.dumps(SECRET, ensure_ascii=False).encode(),
        quote(SECRET).encode(),
        quote(SECRET, safe="").encode(),
        quote(SECRET, safe="").lower().encode(),
        quote(SECRET, safe="!'()*").encode(),
        quote_plus(SECRET).encode(),
        SECRET.encode().hex().encode(),
        SECRET.encode().hex().upper().encode(),
    ],
)
@pytest.mark.parametrize("cut", [0, 1, 7])
def test_a_secret_is_masked_in_every_form(said: bytes, cut: int) -> None:
    told = masked(b"before " + said + b" after", SECRET, cut=cut)
    assert MASK in told
    assert b"rd" not in told
    assert told.startswith(b"before ")
    assert told.endswith(b" after")


@pytest.mark.parametrize("before", ["", "u", "us", "user:", "x" * 20])
@pytest.mark.parametrize("after", ["", "!", "!!"])
def test_a_secret_within_base64_is_masked(before: str, after: str) -> None:
    said = base64.b64encode(f"{before}correct horse battery{after}".encode())
    told = masked(b"Basic " + said + b"\n", "correct horse battery")
    assert MASK in told
    kept = told.removeprefix(b"Basic ").removesuffix(b"\n").split(MASK)
    assert sum(map(len, kept)) <= len(said) - 26


@pytest.mark.parametrize("before", [b"", b"u", b"us"])
@pytest.mark.parametrize("after", [b"", b"\n", b"\xff", b"\0", b"!!"])
@pytest.mark.parametrize("urlsafe", [False, True])
@pytest.mark.parametrize("cut", [0, 1, 7])
def test_base64_of_a_secret_leaves_no_bit_of_it(
    before: bytes, after: bytes, urlsafe: bool, cut: int
) -> None:
    secret = "correct?>horse~\u07ff"
    encode = base64.urlsafe_b64encode if urlsafe else base64.b64encode
    said = encode(before + secret.encode() + after)
    told = masked(b"Basic " + said + b" end", secret, cut=cut)
    assert told.startswith(b"Basic " + said[: 8 * len(before) // 6])
    end = -(-8 * (len(before) + len(secret.encode())) // 6)  # letters with bits of the secret
    assert told.endswith(MASK + said[end:] + b" end")


def test_what_follows_base64_of_a_secret_is_left() -> None:
    said = base64.b64encode(b"hunter22").rstrip(b"=")
    assert said.endswith(b"I")  # six bits, four of them of the secret
    assert masked(said[:-1] + b"Z and", "hunter22") == MASK + b"Z and"


LONG = "".join(f"{number:03}-correct horse;" for number in range(20))


@pytest.mark.parametrize("columns", [76, 64])
@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize("cut", [0, 7])
def test_base64_in_lines_is_masked(columns: int, end: str, cut: int) -> None:
    said = textwrap.wrap(base64.b64encode((LONG + end).encode()).decode(), columns)
    told = masked("\n".join(["> ", *said]).encode(), LONG, cut=cut)
    assert told.startswith(b"> \n***")
    assert len(told) <= len("> \n***") + 4
    told = masked("\r\n".join(said).encode(), LONG, cut=cut)
    assert told.startswith(b"***\r\n" * (len(said) - 1))


@pytest.mark.parametrize("upper", [False, True])
def test_hex_in_lines_is_masked(upper: bool) -> None:
    digits = LONG.encode().hex()
    said = "\n".join(textwrap.wrap(digits.upper() if upper else digits, 60))
    assert masked(said.encode(), LONG) == b"***"


@given(st.binary(max_size=200), st.text(min_size=6, max_size=40), st.integers(1, 9))
def test_cuts_make_no_difference(text: bytes, secret: str, cut: int) -> None:
    said = text + secret.strip().encode(errors="replace") + text
    assert masked(said, secret, cut=cut) == masked(said, secret)


@given(st.binary(max_size=300), st.integers(1, 9))
def test_what_is_no_secret_comes_through(text: bytes, cut: int) -> None:
    clean = text.replace(b"c", b"")
    assert masked(clean, "canary-1234", cut=cut) == clean


def test_short_values_are_left_alone() -> None:
    assert forms("short") == {}
    said = b"in short: true 1 5000"
    assert masked(said, "short", "true", "1", "5000") == said


def test_lines_of_a_secret_are_masked_one_by_one() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADAN\n-----END KEY-----\n"
    told = masked(b"> MIIEvQIBADAN\n" + key.encode() + b"end", key)
    assert told == b"> ***\n***\nend"


def test_the_longer_of_two_secrets_goes_first() -> None:
    assert masked(b"secret-and-more secret", "secret", "secret-and-more") == b"*** ***"


@pytest.mark.parametrize("cut", [0, 7, 1_000])
def test_many_forms_are_found_as_few_are(cut: int) -> None:
    key = "\n".join(f"{number:03}-correct horse battery staple;" for number in range(80))
    other = "hunter22"
    assert len(forms(key)) > MANY_FORMS > len(forms(other))
    wrapped = textwrap.fill(base64.b64encode(key.encode()).decode().rstrip("="), 76)
    said = f"> {other} 000-correct\n{key}\n{wrapped}\nhunter2"
    told = masked(said.encode(), key, other, cut=cut)
    assert told == b"> *** 000-correct\n***\n***\nhunter2"


def test_a_secret_that_is_learnt_late_is_masked_from_then_on() -> None:
    masker = Masker()
    assert masker.feed(b"hunter22 ") == b"hunter22 "
    masker.add("hunter22")
    assert masker.feed(b"hunter22 ") == b"*** "


def test_only_what_may_begin_a_secret_waits() -> None:
    masker = Masker(["hunter22"])
    assert masker.feed(b"Working... ") == b"Working... "
    assert masker.feed(b"a hunt") == b"a "
    assert masker.feed(b"er dies") == b"hunter dies"
    assert masker.feed(b"hunter2") == b""
    assert masker.end() == b"hunter2"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ('"a canary-1234 b"', '"a *** b"'),
        ('{"canary-1234": [1, "x"]}', '{"***":[1,"x"]}'),
        (r'"\u0063anary-1234"', '"***"'),
        ('{"n": 1123456, "m": 7}', '{"n":"1***","m":7}'),
        ('[{"key": "of JSON"}]', '"***"'),
        ('{"a": {"of": [1, 123456]}}', '{"a":"***"}'),
        ('["{\\"of\\": [1, 123456]}"]', '["***"]'),
        ('[ 1.50, null,  "ü" ]', '[ 1.50, null,  "ü" ]'),
        ("no JSON of canary-1234", '"***"'),
    ],
)
def test_json_stays_json(said: str, told: str) -> None:
    secrets = ["canary-1234", "123456", '"key":"of JSON"', '{"of": [1, 123456]}']
    assert json_without(said, secrets) == told


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["x canary-1 y"]),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_json_holds_no_secret_and_all_else(value: object) -> None:
    said = json.dumps(value)
    told = json_without(said, ["canary-1"])
    assert "canary-1" not in told
    assert told == said or json.loads(told) == json.loads(said.replace("canary-1", "***"))


@pytest.mark.parametrize("secret", ["canary-1234", 'a "b" c\\d', "größe 4711"])
def test_what_was_masked_is_found_again(secret: str) -> None:
    said = json.dumps({"of": [f"user:{secret}@host", 5], "and": secret})
    assert hidden(said, json_without(said, [secret])) == [secret]


CREDENTIALS = '{"user": "bobby-1", "password": "hunter22xyz", "pins": [73914628, 1.25]}'


@pytest.mark.parametrize(
    ("secrets", "value", "found"),
    [
        (["73914628"], {"pin": 73914628}, {"73914628"}),
        (["73914628"], [5, {"pins": [-73914628, 1739146280]}], {"73914628"}),
        (["73914628"], json.dumps({"pin": 73914628}), {"73914628"}),
        (["canary-1"], {"a": "*** canary-1", "b": "***", "c": None}, {"canary-1"}),
        (["canary-1"], "***canary-1", {"***canary-1", "canary-1"}),
        (["canary-1", "canary-2"], {"canary-1": 1, "canary-2": 2}, {"canary-1", "canary-2"}),
        (["se,cret-1", "secret-2"], "se,cret-1,secret-2", {"se,cret-1", "secret-2"}),
        (["one,secret"], ["x", "open", True], set()),
        (['opened","shut'], ["x", ["opened", "shut-1"]], {"opened", "shut-1"}),
    ],
)
def test_what_is_handed_on_masked_is_known(
    secrets: list[str], value: object, found: set[str]
) -> None:
    said = json.dumps(value)
    told = set(hidden(said, json_without(said, secrets)))
    assert found <= told
    assert bool(found) == bool(told)


@pytest.mark.parametrize(
    "value", [json.loads(CREDENTIALS), {"creds": json.loads(CREDENTIALS)}, CREDENTIALS]
)
def test_of_json_that_is_masked_as_a_whole_every_value_is_known(value: object) -> None:
    said = json.dumps(value)
    shown = json_without(said, [CREDENTIALS])
    assert shown in ('"***"', '{"creds":"***"}')
    found = hidden(said, shown)
    assert {"bobby-1", "hunter22xyz", "73914628"} <= set(found)
    assert "password" not in found
    told = masked(f"{json.loads(CREDENTIALS)}".encode(), *found)
    assert told == b"{'user': '***', 'password': '***', 'pins': [***, 1.25]}"


def test_not_too_many_values_are_known() -> None:
    said = json.dumps({"all": [f"value-{number}" for number in range(9000)]})
    assert len(hidden(said, '"***"')) == MOST_HIDDEN
    assert hidden(json.dumps(["x" * 50_000 + one for one in "abc"]), '"***"') == [
        "x" * 50_000 + "c"
    ]
    deep = "[" * 900 + '"canary-1"' + "]" * 900
    assert "canary-1" in hidden(deep, '"***"')
    assert hidden(deep, json_without(deep, ["canary-1"])) == ["canary-1"]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ('{"user": "bobby-1", "password": "hunter22"}', {"hunter22"}),
        ('[{"auth": {"id": "client-1", "key": [73914628]}}, "bearer"]', {"client-1", "73914628"}),
        ("user=bobby-1&api_key=top%20secret", {"top%20secret", "top secret"}),
        ("<p>session-id: 'abcdefgh', user: nobody1", {"abcdefgh"}),
        ("of tokens nothing", set()),
        ('{"no": "secret here"}', set()),
    ],
)
def test_secrets_of_a_body_go_by_their_names(body: str, found: set[str]) -> None:
    assert set(secrets_in_body(body)) == found
    assert holds_secrets(body) is bool(found)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "body", ["key" * 80_000, "key " * 60_000, "key" + " " * 240_000, "token=" * 40_000]
)
def test_a_body_of_whatever_words_is_read_once(body: str) -> None:
    """Where each letter was looked at from each other, this took minutes, and nobody was served."""
    assert holds_secrets(body) is ("=" in body)
    assert len(secrets_in_body(body)) <= MOST_HIDDEN
