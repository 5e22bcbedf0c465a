"""What an answer must say besides its status: each kind a small class with a pure `check`."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from math import floor
from typing import Any, ClassVar, Protocol

from dogwatch.core.plain import counted
from dogwatch.core.probe import json_path, pattern
from dogwatch.core.probe.fields import Check, flag, is_number, one_of, sound, text, whole
from dogwatch.core.probe.seen import Seen
from dogwatch.core.problems import Problem

MAX_ASSERTIONS = 20
MAX_TEXT = 1_000
_SHOWN = 60


class Assertion(Protocol):
    """One demand; `degrades`: its failure leaves the target up, but degraded."""

    kind: ClassVar[str]
    checks: ClassVar[Mapping[str, Check]]
    required: ClassVar[Sequence[str]]

    @property
    def degrades(self) -> bool:
        """Whether its failure is no reason to call the target down."""
        ...

    def check(self, seen: Seen) -> str | None:
        """Return how the answer fails it, in words, or None."""
        ...


@dataclass(frozen=True, slots=True)
class BodyContains:
    """The body holds this text."""

    kind: ClassVar[str] = "body_contains"
    checks: ClassVar[Mapping[str, Check]] = {"text": text(1, MAX_TEXT), "degrades": flag}
    required: ClassVar[Sequence[str]] = ("text",)
    text: str
    degrades: bool = False

    def check(self, seen: Seen) -> str | None:
        """See `Assertion`."""
        if self.text.encode() in seen.body:
            return None
        return f"the body does not contain {quoted(seen.told(self.text))}{_as_far(seen)}"


@dataclass(frozen=True, slots=True)
class BodyLacks:
    """The body does not hold this text."""

    kind: ClassVar[str] = "body_lacks"
    checks: ClassVar[Mapping[str, Check]] = BodyContains.checks
    required: ClassVar[Sequence[str]] = ("text",)
    text: str
    degrades: bool = False

    def check(self, seen: Seen) -> str | None:
        """See `Assertion`."""
        found = self.text.encode() in seen.body
        return f"the body contains {quoted(seen.told(self.text))}" if found else None


def _pattern(value: object) -> str | None:
    return pattern.fault(value) if isinstance(value, str) else "must be text"


@dataclass(frozen=True, slots=True)
class BodyMatches:
    """The body matches this regular expression of RE2 somewhere."""

    kind: ClassVar[str] = "body_matches"
    checks: ClassVar[Mapping[str, Check]] = {"pattern": _pattern, "degrades": flag}
    required: ClassVar[Sequence[str]] = ("pattern",)
    pattern: str
    degrades: bool = False

    def check(self, seen: Seen) -> str | None:
        """See `Assertion`."""
        if pattern.found(self.pattern, seen.text):
            return None
        return f"the body does not match {quoted(seen.told(self.pattern))}{_as_far(seen)}"


def _same(found: Any, value: Any) -> bool:
    """Compare as JSON does: true is not 1."""
    return (type(found) is type(value) and found == value) or (
        is_number(found) and is_number(value) and found == value
    )  # fmt: skip


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def both_numbers(found: Any, value: Any) -> bool:
        return is_number(found) and is_number(value) and compare(found, value)

    return both_numbers


def _holds(found: Any, value: Any) -> bool:
    if isinstance(found, str):
        return isinstance(value, str) and value in found
    return isinstance(found, list) and any(_same(one, value) for one in found)


COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "equals": _same,
    "not_equals": lambda found, value: not _same(found, value),
    "less": _ordered(lambda found, value: found < value),
    "at_most": _ordered(lambda found, value: found <= value),
    "more": _ordered(lambda found, value: found > value),
    "at_least": _ordered(lambda found, value: found >= value),
    "contains": _holds,
}


def _path(value: object) -> str | None:
    if isinstance(value, str) and len(value) <= MAX_TEXT and json_path.parse(value) is not None:
        return None
    return "must be a path such as $.items[0].state"


def _plain(value: object) -> str | None:
    plain = value is None or isinstance(value, bool) or is_number(value)
    return None if plain else text(0, MAX_TEXT)(value) and "must be text, a number, true or null"


@dataclass(frozen=True, slots=True)
class JsonValue:
    """A value of the body, which is JSON, exists, is missing or compares so."""

    kind: ClassVar[str] = "json"
    checks: ClassVar[Mapping[str, Check]] = {
        "path": _path,
        "is": one_of("exists", "missing", *COMPARE),
        "value": _plain,
        "degrades": flag,
    }
    required: ClassVar[Sequence[str]] = ("path",)
    path: str
    is_: str = "exists"
    value: Any = None
    degrades: bool = False

    def check(self, seen: Seen) -> str | None:
        """See `Assertion`."""
        try:
            document = json_path.load(seen.text)
        except ValueError:
            return f"the body is not JSON{_as_far(seen)}"
        found = json_path.find(document, json_path.parse(self.path) or ())
        if found is json_path.MISSING:
            return None if self.is_ == "missing" else f"{self.path} is missing"
        if self.is_ == "missing":
            return f"{self.path} exists"
        if self.is_ == "exists" or COMPARE[self.is_](found, self.value):
            return None
        expected = f"{self.is_.replace('_', ' ')} {shown(self.value, seen.told)}"
        return f"{self.path}: expected {expected}, got {shown(found, seen.told)}"


@dataclass(frozen=True, slots=True)
class HeaderValue:
    """A header of the answer exists, equals or contains this; of several, one is enough."""

    kind: ClassVar[str] = "header"
    checks: ClassVar[Mapping[str, Check]] = {
        "name": text(1, 200),
        "is": one_of("exists", "missing", "equals", "contains"),
        "value": text(0, MAX_TEXT),
        "degrades": flag,
    }
    required: ClassVar[Sequence[str]] = ("name",)
    name: str
    is_: str = "exists"
    value: str = ""
    degrades: bool = False

    def check(self, seen: Seen) -> str | None:
        """See `Assertion`."""
        values = [value for name, value in seen.headers if name.lower() == self.name.lower()]
        if self.is_ == "missing":
            return f"there is a header {self.name}" if values else None
        if not values:
            return f"there is no header {self.name}"
        if self.is_ == "exists" or any(map(self._fits, values)):
            return None
        return f"the header {self.name} {_VERB[self.is_]} {quoted(seen.told(self.value))}"

    def _fits(self, value: str) -> bool:
        return value == self.value if self.is_ == "equals" else self.value in value


_VERB = {"equals": "is not", "contains": "does not contain"}


@dataclass(frozen=True, slots=True)
class CertificateDays:
    """The certificate is good for at least so many days more."""

    kind: ClassVar[str] = "certificate_days"
    checks: ClassVar[Mapping[str, Check]] = {"least": whole(0, 3650), "degrades": flag}
    required: ClassVar[Sequence[str]] = ("least",)
    least: int
    degrades: bool = False

    def check(self, seen: Seen) -> str | None:
        """See `Assertion`."""
        if seen.certificate is None:
            return "there is no certificate"
        days = floor((seen.certificate.expires_at - seen.at) / timedelta(days=1))
        if days >= self.least:
            return None
        if days < 0:
            return f"the certificate expired {counted(-days, 'day')} ago"
        return f"the certificate expires in {counted(days, 'day')}, at least {self.least} expected"


KINDS: Mapping[str, type[Any]] = {
    one.kind: one
    for one in (BodyContains, BodyLacks, BodyMatches, JsonValue, HeaderValue, CertificateDays)
}


def from_json(data: object) -> Assertion:
    """Return the assertion of a JSON object; raises one `Problem` of all its faults."""
    kind = data.get("kind") if isinstance(data, Mapping) else None
    made = KINDS.get(kind) if isinstance(kind, str) else None
    if made is None or not isinstance(data, Mapping):
        words = f"must be one of {', '.join(KINDS)}"
        raise Problem("invalid", f"kind: {words}", {"kind": words})
    rest = {name: value for name, value in data.items() if name != "kind"}
    given = sound(rest, made.checks, made.required)
    if "is" in given:
        given["is_"] = given.pop("is")
    assertion: Assertion = made(**given)
    return assertion


def to_json(assertion: Assertion) -> dict[str, Any]:
    """Return the JSON object that `from_json` reads back."""
    values = {"kind": assertion.kind, **asdict(assertion)}  # type: ignore[call-overload]  # all are dataclasses
    return {name.rstrip("_"): value for name, value in values.items()}


def check_all(value: object) -> str | None:
    """Return what is wrong with a list of assertions, or None; names the place of each."""
    if not isinstance(value, list | tuple) or len(value) > MAX_ASSERTIONS:
        return f"must be a list of at most {MAX_ASSERTIONS}"
    wrong = []
    for place, one in enumerate(value):
        try:
            from_json(one)
        except Problem as problem:
            wrong.append(f"[{place}] {problem.message}")
    return "; ".join(wrong) or None


def quoted(value: str) -> str:
    """Return a text in quotes, cut where it is long."""
    return repr(value if len(value) <= _SHOWN else value[:_SHOWN] + "…")


def shown(value: Any, told: Callable[[str], str] = str) -> str:
    """Return a value of JSON for people, as it is `told`, cut where it is long."""
    if isinstance(value, dict | list):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    if isinstance(value, str):
        return quoted(told(value))
    return told(json.dumps(value))[:_SHOWN]


def _as_far(seen: Seen) -> str:
    return f" in its first {len(seen.body)} bytes" if seen.truncated else ""
