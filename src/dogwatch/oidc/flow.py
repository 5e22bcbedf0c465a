"""One sign-in under way: what the browser that began it must bring back (RFC 7636, RFC 9700)."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from dogwatch.ids import new_token

LIFE = timedelta(minutes=10)
_BITS = 160
_VERIFIER_BITS = 280  # 48 characters; RFC 7636 asks for 43 to 128
_LONGEST = 2_000

Hash = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Flow:
    """`purpose` is "sign-in", "link" or "join"; `subject` is where a sign-in leads, the session
    that is linked, or the code of an invitation."""

    purpose: str
    subject: str
    begun_at_s: int
    state: str
    nonce: str
    verifier: str

    @classmethod
    def begin(cls, purpose: str, subject: str, at: datetime) -> Self:
        """Return a new one."""
        drawn = new_token(_BITS), new_token(_BITS), new_token(_VERIFIER_BITS)
        return cls(purpose, subject, int(at.timestamp()), *drawn)

    @property
    def challenge(self) -> str:
        """The S256 challenge of the verifier."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return urlsafe_b64encode(digest).decode().rstrip("=")

    def belongs(self, state: str) -> bool:
        """Whether an answer is to this."""
        return hmac.compare_digest(state.encode(), self.state.encode())

    def to_cookie(self, keyed_hash: Hash) -> str:
        """Return it for a cookie that the browser can keep but not make."""
        text = urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode()
        return f"{text}.{keyed_hash(text).hex()}"

    @classmethod
    def from_cookie(cls, cookie: str, keyed_hash: Hash, at: datetime) -> Self | None:
        """Read a cookie; None where it is not ours, or too old."""
        text, _, proof = cookie[:_LONGEST].partition(".")
        if not hmac.compare_digest(keyed_hash(text).hex().encode(), proof.encode()):
            return None
        values: dict[str, Any] = json.loads(urlsafe_b64decode(text))
        flow = cls(**values)
        age_s = at.timestamp() - flow.begun_at_s
        return flow if -LIFE.total_seconds() < age_s < LIFE.total_seconds() else None
