"""A TLS endpoint and how long its certificate is good for."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

from dogwatch.core.probe.assertions import CertificateDays
from dogwatch.core.probe.fields import Check, flag, host, sound, whole
from dogwatch.core.probe.judging import Fault
from dogwatch.core.probe.seen import Seen
from dogwatch.core.probe.tcp import PORT, TIMEOUT


@dataclass(frozen=True, slots=True)
class TlsTarget:
    """A TLS server: up while its certificate is trusted and good for `days_left` more.

    Below `warn_days_left` it is degraded. Without `verify` only the dates count.
    `server_name`: what the certificate is for, where that is not the host.
    """

    kind: ClassVar[str] = "tls"
    heavy: ClassVar[bool] = False
    checks: ClassVar[Mapping[str, Check]] = {
        "host": host,
        "port": PORT,
        "timeout_s": TIMEOUT,
        "server_name": lambda value: None if value == "" else host(value),
        "days_left": whole(0, 3650),
        "warn_days_left": whole(0, 3650),
        "verify": flag,
    }
    host: str
    port: int = 443
    timeout_s: float = 10.0
    server_name: str = ""
    days_left: int = 1
    warn_days_left: int = 14
    verify: bool = True

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the target of a JSON object; raises one `Problem` of all its faults."""
        return cls(**sound(data, cls.checks, ("host",)))

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads back."""
        return asdict(self)

    @property
    def address(self) -> str:
        """What is asked, for people."""
        return f"{self.host}:{self.port}"

    def judge(self, seen: Seen) -> Fault | None:
        """Return what is wrong with the certificate."""
        fault = seen.certificate.fault if seen.certificate else ""
        if self.verify and fault:
            return Fault("certificate", f"the certificate is not trusted: {fault}")
        if reason := CertificateDays(self.days_left).check(seen):
            return Fault("certificate", reason)
        reason = CertificateDays(self.warn_days_left).check(seen)
        return Fault("certificate", reason, degrades=True) if reason else None
