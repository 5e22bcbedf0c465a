"""An HTTP endpoint: the request to send, and what the answer must say."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

from dogwatch.core.http_action import HttpAction, accepts, check_header
from dogwatch.core.probe import assertions
from dogwatch.core.probe.assertions import Assertion, BodyMatches, CertificateDays, HeaderValue
from dogwatch.core.probe.fields import Check, flag, sound, text
from dogwatch.core.probe.judging import Fault, first_fault
from dogwatch.core.probe.seen import Seen
from dogwatch.core.problems import Problem, refuse

MAX_PEM = 32 * 1024
MAX_BODY_BYTES = 256 * 1024
MAX_PREVIEWED_BYTES = 16 * 1024
TIMEOUT_S = 10.0
_REQUEST = frozenset(field.name for field in fields(HttpAction))


def _user_agent(value: object) -> str | None:
    return text(0, 200)(value) or check_header("User-Agent", str(value))


def _pem(kind: str) -> Check:
    def check(value: object) -> str | None:
        if wrong := text(0, MAX_PEM)(value):
            return wrong
        good = value == "" or (f"{kind}-----" in str(value) and "-----BEGIN " in str(value))
        return None if good else f"must be PEM, with a line -----BEGIN … {kind}-----"

    return check


_CHECKS: Mapping[str, Check] = {
    "user_agent": _user_agent,
    "verify_tls": flag,
    "client_certificate": _pem("CERTIFICATE"),
    "client_key": _pem("PRIVATE KEY"),
    "assertions": assertions.check_all,
}


@dataclass(frozen=True, slots=True)
class HttpTarget:
    """A request and what is expected of its answer; the client certificate and its key are PEM."""

    kind: ClassVar[str] = "http"
    request: HttpAction
    user_agent: str = ""
    verify_tls: bool = True
    client_certificate: str = ""
    client_key: str = ""
    assertions: tuple[Assertion, ...] = ()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the target of a JSON object; raises one `Problem` of all its faults."""
        wrong: dict[str, str] = {}
        request, own = HttpAction("http://x"), {}
        asked = {name: value for name, value in data.items() if name in _REQUEST}
        try:
            request = HttpAction.from_json({"timeout_s": TIMEOUT_S} | asked)
        except Problem as problem:
            wrong |= problem.fields
        try:
            rest = {name: value for name, value in data.items() if name not in _REQUEST}
            own = sound(rest, _CHECKS, ())
        except Problem as problem:
            wrong |= problem.fields
        if bool(data.get("client_certificate")) != bool(data.get("client_key")):
            wrong["client_key"] = "goes with client_certificate; give both"
        refuse(wrong)
        demands = tuple(map(assertions.from_json, own.pop("assertions", ())))
        return cls(request, assertions=demands, **own)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads back."""
        return self.request.to_json() | {
            "user_agent": self.user_agent,
            "verify_tls": self.verify_tls,
            "client_certificate": self.client_certificate,
            "client_key": self.client_key,
            "assertions": [assertions.to_json(one) for one in self.assertions],
        }

    @property
    def timeout_s(self) -> float:
        """The time for everything, name lookup and redirects included."""
        return self.request.timeout_s

    @property
    def address(self) -> str:
        """What is asked, for people; without its query, which may hold secrets."""
        return self.request.url.partition("?")[0]

    @property
    def max_body_bytes(self) -> int:
        """How much of a body is read: what is judged, or else what is shown."""
        return MAX_BODY_BYTES if self.assertions else MAX_PREVIEWED_BYTES

    @property
    def wants_certificate(self) -> bool:
        """Whether the server's certificate is looked at."""
        return CertificateDays in map(type, self.assertions)

    @property
    def wants_headers(self) -> bool:
        """Whether the headers of the answer are looked at."""
        return HeaderValue in map(type, self.assertions)

    @property
    def heavy(self) -> bool:
        """Whether judging may take long enough to hold others up."""
        return BodyMatches in map(type, self.assertions)

    def judge(self, seen: Seen) -> Fault | None:
        """Return how the answer falls short, the worst first."""
        code = seen.status_code or 0
        if not accepts(self.request.expected_status, code):
            expected = self.request.expected_status
            return Fault("status", f"expected status {expected}, got {code}")
        return first_fault(self.assertions, seen)
