"""A DNS record: that a name resolves, and to what."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from ipaddress import ip_address
from typing import Any, ClassVar, Self

from dogwatch.core.probe.fields import Check, host, is_address, is_text, one_of, sound
from dogwatch.core.probe.judging import Fault
from dogwatch.core.probe.seen import Seen
from dogwatch.core.probe.tcp import PORT, TIMEOUT

TYPES = ("A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT")
MAX_EXPECTED = 50
MAX_RECORD = 1_000


def _resolver(value: object) -> str | None:
    good = value == "" or (isinstance(value, str) and is_address(value))
    return None if good else "must be the IP address of a DNS server, or empty for the system's"


def _expected(value: object) -> str | None:
    records = value if isinstance(value, list | tuple) else None
    if records is None or len(records) > MAX_EXPECTED or not all(map(_is_record, records)):
        return f"must be a list of at most {MAX_EXPECTED} records as text"
    return None


def _is_record(value: object) -> bool:
    return is_text(value) and 0 < len(value) <= MAX_RECORD


@dataclass(frozen=True, slots=True)
class DnsTarget:
    """A record of a name: up when it is there, and holds what is expected if that is said.

    `match`: "all" wants each of `expected` among the records, "exact" these and no others,
    "any" one of them. Records are as in a zone file: `10 mail.example.org.` for MX.
    """

    kind: ClassVar[str] = "dns"
    heavy: ClassVar[bool] = False
    checks: ClassVar[Mapping[str, Check]] = {
        "name": host,
        "type": one_of(*TYPES),
        "resolver": _resolver,
        "port": PORT,
        "timeout_s": TIMEOUT,
        "expected": _expected,
        "match": one_of("all", "exact", "any"),
    }
    name: str
    type: str = "A"
    resolver: str = ""
    port: int = 53
    timeout_s: float = 10.0
    expected: tuple[str, ...] = ()
    match: str = "all"

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the target of a JSON object; raises one `Problem` of all its faults."""
        given = sound(data, cls.checks, ("name",))
        return cls(**given | {"expected": tuple(given.get("expected", ()))})

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads back."""
        return asdict(self) | {"expected": list(self.expected)}

    @property
    def address(self) -> str:
        """What is asked, for people."""
        return f"{self.type} {self.name}"

    def judge(self, seen: Seen) -> Fault | None:
        """Return how the records differ from what is expected."""
        if not seen.records:
            return Fault("records", f"{self.name} has no {self.type} record")
        found, expected = set(map(_norm, seen.records)), set(map(_norm, self.expected))
        good = {
            "all": expected <= found,
            "exact": expected in (set(), found),
            "any": not expected or bool(expected & found),
        }
        if good[self.match]:
            return None
        listed = ", ".join(sorted(seen.records))[:200]
        return Fault("records", f"the {self.type} records are not as expected: {listed}")


def _norm(record: str) -> str:
    """Return a record in the one form in which it is compared."""
    if is_address(record):
        return str(ip_address(record))
    quoted = record.startswith('"')
    return record.strip('"') if quoted else record.rstrip(".").lower()
