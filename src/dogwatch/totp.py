"""Codes of an authenticator app (RFC 6238): six digits, thirty seconds, HMAC-SHA1."""

import hmac
import secrets
from base64 import b32encode
from datetime import datetime
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

STEP_S = 30
_DIGITS = 6
_SECRET_BYTES = 20
# A phone's clock may be a little off (RFC 6238, 5.2).
_NEAR = (0, -1, 1)


def new_secret() -> bytes:
    """Return a fresh secret of 160 bits."""
    return secrets.token_bytes(_SECRET_BYTES)


def matching_step(secret: bytes, code: str, at: datetime) -> int | None:
    """Return the step that a code belongs to, None for a wrong one."""
    digits = digits_of(code)
    if digits is None:
        return None
    now = int(at.timestamp()) // STEP_S
    totp = TOTP(secret, _DIGITS, SHA1(), STEP_S, enforce_key_length=False)  # noqa: S303  (as apps do)
    for step in (now + near for near in _NEAR):
        if hmac.compare_digest(totp.generate(step * STEP_S), digits.encode()):
            return step
    return None


def digits_of(code: str) -> str | None:
    """Return the digits of what may be a code, None where it can be none."""
    digits = code.replace(" ", "")
    return digits if len(digits) == _DIGITS and digits.isascii() and digits.isdigit() else None


def link(secret: bytes, email: str) -> str:
    """Return the otpauth address that an app reads from a QR code."""
    asked = urlencode({"secret": text(secret), "issuer": "Dogwatch"})
    return f"otpauth://totp/Dogwatch:{quote(email)}?{asked}"


def text(secret: bytes) -> str:
    """Return the secret for typing."""
    return b32encode(secret).decode()
