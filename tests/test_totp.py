"""Codes of an authenticator app, by the vectors of RFC 6238, appendix B."""

from datetime import UTC, datetime

import pytest

from dogwatch import totp

SECRET = b"12345678901234567890"


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_vectors(seconds: int, code: str) -> None:
    assert totp.matching_step(SECRET, code, at(seconds)) == seconds // 30
    assert totp.matching_step(SECRET, f"{code[:3]} {code[3:]}", at(seconds)) == seconds // 30


def test_a_clock_may_be_one_step_off() -> None:
    times = [at(1111111109 + off) for off in (-60, -30, 0, 30, 60)]
    step = 1111111109 // 30
    found = [totp.matching_step(SECRET, "081804", time) for time in times]
    assert found == [None, step, step, step, None]


@pytest.mark.parametrize("code", ["", "28708", "2870822", "28708a", "２８７０８２", "-28708"])
def test_what_is_no_code(code: str) -> None:
    assert totp.matching_step(SECRET, code, at(59)) is None


def test_the_link_of_an_app() -> None:
    secret = totp.new_secret()
    assert len(secret) == 20
    assert totp.link(SECRET, "a b@example.org") == (
        "otpauth://totp/Dogwatch:a%20b%40example.org"
        "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Dogwatch"
    )
