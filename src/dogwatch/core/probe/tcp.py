"""A TCP port that accepts connections."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

from dogwatch.core.probe.fields import Check, host, number, sound, whole
from dogwatch.core.probe.judging import Fault
from dogwatch.core.probe.seen import Seen

PORT = whole(1, 65_535)
TIMEOUT = number(1, 300)


@dataclass(frozen=True, slots=True)
class TcpTarget:
    """A port of a host: up when it takes a connection."""

    kind: ClassVar[str] = "tcp"
    heavy: ClassVar[bool] = False
    checks: ClassVar[Mapping[str, Check]] = {"host": host, "port": PORT, "timeout_s": TIMEOUT}
    host: str
    port: int
    timeout_s: float = 10.0

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the target of a JSON object; raises one `Problem` of all its faults."""
        return cls(**sound(data, cls.checks, ("host", "port")))

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads back."""
        return asdict(self)

    @property
    def address(self) -> str:
        """What is asked, for people."""
        return f"{self.host}:{self.port}"

    def judge(self, seen: Seen) -> Fault | None:
        """Return nothing: to have connected is enough."""
        return None
