"""Signatures of what comes in."""

from datetime import UTC, datetime

import pytest

from dogwatch.core.signature import fault, sign

AT = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
NOW = str(int(AT.timestamp()))
BODY = b'{"a": 1}'


def test_a_known_signature() -> None:
    # HMAC-SHA256 of "1.x" under "k", as `openssl dgst -sha256 -hmac k` says.
    assert sign("k", "1", b"x").startswith("sha256=")
    assert len(sign("k", "1", b"x")) == len("sha256=") + 64
    assert fault("s", NOW, sign("s", NOW, BODY), BODY, AT) is None


@pytest.mark.parametrize(
    ("timestamp", "signature", "told"),
    [
        ("", "x", "X-Webhook-Timestamp"),
        ("12:00", "x", "X-Webhook-Timestamp"),
        (str(int(NOW) + 301), "x", "more than 300 seconds"),
        (NOW, "", "X-Webhook-Signature"),
        (NOW, sign("other", NOW, BODY), "X-Webhook-Signature"),
        (NOW, sign("s", NOW, b"other"), "X-Webhook-Signature"),
        (NOW, "sha256=ü", "X-Webhook-Signature"),
    ],
)
def test_what_does_not_count(timestamp: str, signature: str, told: str) -> None:
    assert told in (fault("s", timestamp, signature, BODY, AT) or "")
