"""A host that answers an ICMP echo."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

from dogwatch.core.probe.fields import Check, host, sound
from dogwatch.core.probe.judging import Fault
from dogwatch.core.probe.seen import Seen
from dogwatch.core.probe.tcp import TIMEOUT


@dataclass(frozen=True, slots=True)
class IcmpTarget:
    """A host: up when it answers an echo request."""

    kind: ClassVar[str] = "icmp"
    heavy: ClassVar[bool] = False
    checks: ClassVar[Mapping[str, Check]] = {"host": host, "timeout_s": TIMEOUT}
    host: str
    timeout_s: float = 5.0

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
        return self.host

    def judge(self, seen: Seen) -> Fault | None:
        """Return nothing: an echo is enough."""
        return None
