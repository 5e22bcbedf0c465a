"""Signatures of what comes in: HMAC-SHA256 over the time and the body, so that none is replayed."""

import hmac
import re
from datetime import datetime

WINDOW_S = 300
_SECONDS = re.compile(r"[0-9]{1,12}")


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Return `sha256=<hex>` over `<timestamp>.<body>`; `timestamp` in Unix seconds."""
    signed = timestamp.encode() + b"." + body
    return f"sha256={hmac.digest(secret.encode(), signed, 'sha256').hex()}"


def fault(secret: str, timestamp: str, signature: str, body: bytes, at: datetime) -> str | None:
    """Say why a request does not count as signed; None if it does. Compared in constant time."""
    if not _SECONDS.fullmatch(timestamp):
        return "X-Webhook-Timestamp: give the time in Unix seconds"
    if abs(at.timestamp() - int(timestamp)) > WINDOW_S:
        return f"X-Webhook-Timestamp: is more than {WINDOW_S} seconds away from now"
    right = sign(secret, timestamp, body)
    if not hmac.compare_digest(right.encode(), signature.encode(errors="replace")):
        return "X-Webhook-Signature: is not that of this body and time"
    return None
