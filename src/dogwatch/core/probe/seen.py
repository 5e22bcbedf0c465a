"""What one asking of a target found, before anybody judges it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dogwatch.core.data import data
from dogwatch.core.masking import without

PREVIEW_LENGTH = 500
LOOKED_AT_BYTES = 64 * 1024  # a preview comes of less; a secret that begins in it ends in here


@dataclass(frozen=True, slots=True)
class Certificate:
    """The certificate that a server showed; `fault`: why it is not to be trusted, if so."""

    expires_at: datetime
    subject: str = ""
    issuer: str = ""
    fault: str = ""


@data()
class Seen:
    """What was seen: an answer, or the class of error that stood in its way.

    `error` is "" for an answer, else one of dns, connect, tls, timeout, protocol, too_large,
    bad_url, icmp; `reason` puts it in words for everybody, `detail` for the admin of the host.
    `phases_ms` holds dns, connect, tls, first_byte and total, as far as it got. `secrets` are those
    of the request, which an answer may repeat and nobody may read.
    """

    at: datetime
    phases_ms: Mapping[str, float] = field(default_factory=dict)
    error: str = ""
    reason: str = ""
    detail: str = ""
    status_code: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    truncated: bool = False
    certificate: Certificate | None = None
    records: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The body as text; what is no UTF-8 is replaced."""
        return self.body.decode(errors="replace")

    @property
    def preview(self) -> str:
        """The beginning of what came, for people and for a database."""
        said = "\n".join(self.records) if self.records else self._beginning
        return self.told(said.replace("\x00", "\ufffd"))[:PREVIEW_LENGTH]

    @property
    def _beginning(self) -> str:
        read = LOOKED_AT_BYTES if self.secrets else 4 * PREVIEW_LENGTH
        return self.body[:read].decode(errors="replace")

    def told(self, text: str) -> str:
        """Return a text that was found as people may see it; to be cut afterwards."""
        return without(text, self.secrets) if self.secrets else text
