"""The shapes of CronOwl's HTTP monitors: milliseconds to wait, seconds between, secrets masked."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field

from dogwatch.core.http_action import HttpAction
from dogwatch.core.masking import masked_url
from dogwatch.core.probe.assertions import BodyContains, BodyLacks
from dogwatch.core.problems import Problem, invalid
from dogwatch.core.result import BAD, Outcome
from dogwatch.core.spec import WatchSpec
from dogwatch.core.watch import Status, underneath
from dogwatch.usecases.aliases import Alias
from dogwatch.usecases.lists import Record
from dogwatch.usecases.monitors import Monitor as Asked
from dogwatch.usecases.probes import ProbeSpec
from dogwatch.web.api.masks import same_origin
from dogwatch.web.dialect.times import Instant
from dogwatch.web.dialects.cronowl import fields
from dogwatch.web.dialects.cronowl.fields import ASSERTIONS, CONTENT_TYPES
from dogwatch.web.dialects.cronowl.wire import New, PageAsked, Sent, Wire, known

USER_AGENT = "CronOwl-HttpMonitor/1.0"
CODES = (200, 201, 204)
TIMEOUT_MS, INTERVAL_S, FAILURES = 10_000, 300, 2
REDACTED = "[REDACTED]"
WITH_BODY = frozenset({"POST", "PUT"})
LONGEST_CODES = 200

_SECRET = (
    "authorization", "x-api-key", "api-key", "cookie", "x-auth-token", "bearer", "x-access-token",
    "x-secret", "password",
)  # fmt: skip
_SHOWN, _LONG = 4, 8
_STATUSES = {
    Status.NEW: "pending",
    Status.UP: "up",
    Status.DEGRADED: "degraded",
    Status.DOWN: "down",
}


class Monitor(Wire):
    """A monitor; all its keys are always there."""

    id: str
    name: str
    url: str
    method: str
    expected_status_codes: list[int]
    timeout_ms: int
    interval_seconds: int
    headers: dict[str, str] | None
    body: str | None
    content_type: str | None
    assertions: dict[str, Any] | None
    status: str
    last_checked_at: Instant | None
    last_response_time_ms: int | None
    last_status_code: int | None
    last_error: str | None
    alert_after_failures: int
    consecutive_failures: int
    uptime_percent_24h: float | None = Field(alias="uptimePercent24h")
    avg_response_time_24h: int | None = Field(alias="avgResponseTime24h")
    is_enabled: bool
    webhook_url: str | None
    tags: list[str]
    created_at: Instant
    updated_at: Instant


class MonitorsAsked(PageAsked):
    """Which monitors."""

    status: Annotated[str, known(Literal["up", "down", "degraded", "pending"])] = ""


class MonitorDeleted(Wire):
    """A monitor that is gone."""

    deleted: Literal[True] = True
    id: str


def status_of(record: Record) -> str:
    """Return the status of a monitor: whether it is enabled stands apart."""
    return _STATUSES[underneath(record.watch)]


def monitor(alias: Alias, asked: Asked, webhook_url: str | None, *, whole: bool) -> Monitor:
    """Return a monitor as it is shown; `whole` is its address for those who may change it."""
    record, request = asked.record, asked.target.request
    schedule = record.watch.plan.schedule
    headers, content_type = _apart(request)
    return Monitor(
        id=alias.name,
        name=record.name,
        url=request.url if whole else masked_url(request.url),
        method=request.method,
        expected_status_codes=codes_of(request.expected_status),
        timeout_ms=round(request.timeout_s * 1000),
        interval_seconds=(schedule.interval_s if schedule else None) or INTERVAL_S,
        headers={name: masked(name, text) for name, text in headers.items()} or None,
        body=REDACTED if request.body else None,
        content_type=content_type,
        assertions=_assertions(asked) or None,
        status=status_of(record),
        **_last(asked),
        **_day(asked),
        alert_after_failures=record.watch.plan.failures_before_down,
        consecutive_failures=record.watch.failures,
        is_enabled=record.watch.status is not Status.PAUSED,
        webhook_url=webhook_url,
        tags=list(record.tags),
        created_at=record.created_at,
        updated_at=record.updated_at,
    )


def _last(asked: Asked) -> dict[str, Any]:
    run = asked.last
    wrong = run is not None and (run.outcome in BAD or run.outcome is Outcome.SLOW)
    return {
        "last_checked_at": run.finished_at if run else None,
        "last_response_time_ms": run.duration_ms if run else None,
        "last_status_code": run.status_code if run else None,
        "last_error": run.reason if run and wrong else None,
    }


def _day(asked: Asked) -> dict[str, Any]:
    day = asked.day
    return {
        "uptime_percent_24h": round(100 * day.good / day.count, 2) if day.count else None,
        "avg_response_time_24h": round(day.total_ms / day.good) if day.good else None,
    }


def masked(name: str, value: str) -> str:
    """Return a header's value as it is shown: of a secret one, its beginning at most."""
    if not any(part in name.lower() for part in _SECRET):
        return value
    return f"{value[:_SHOWN]}****" if len(value) > _LONG else "********"


def _apart(request: HttpAction) -> tuple[dict[str, str], str | None]:
    """Return the headers, and the content type where it is one that has a field of its own."""
    kinds = [text for name, text in request.headers if _is_kind(name) and text in CONTENT_TYPES]
    headers = {
        name: text
        for name, text in request.headers
        if not (_is_kind(name) and text in CONTENT_TYPES)
    }
    return headers, kinds[-1] if kinds else None


def _is_kind(name: str) -> bool:
    return name.lower() == "content-type"


def _assertions(asked: Asked) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if slow_ms := asked.record.watch.plan.slow_after_ms:
        found["maxResponseTimeMs"] = slow_ms
    for kind, name in ((BodyContains, "bodyContains"), (BodyLacks, "bodyNotContains")):
        texts = [one.text for one in asked.target.assertions if isinstance(one, kind)]
        if texts:
            found[name] = texts[0]
    return found


def codes_of(expected: str) -> list[int]:
    """Return the codes of "200,300-302", in their order."""
    found: list[int] = []
    for part in expected.split(","):
        first, _, last = part.strip().partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def expected_of(codes: Iterable[int]) -> str:
    """Return codes as our targets write them: in their order where that is short enough."""
    text = ",".join(map(str, codes))
    if len(text) > LONGEST_CODES:
        text = ",".join(_ranges(sorted(codes)))
    if len(text) > LONGEST_CODES:
        raise invalid("expectedStatusCodes", "holds too many codes; leave some out")
    return text


def _ranges(codes: list[int]) -> Iterable[str]:
    first = last = codes[0]
    for code in [*codes[1:], 0]:
        if code != last + 1:
            yield f"{first}-{last}" if first != last else str(first)
            first = code
        last = code


class MonitorNew(New):
    """What makes a monitor."""

    name: fields.Name
    url: fields.Url
    method: fields.Method = "GET"
    expected_status_codes: fields.Codes = CODES
    timeout_ms: fields.Timeout = TIMEOUT_MS
    interval_seconds: fields.Interval = INTERVAL_S
    headers: fields.HeadersSent = None
    body: fields.Body = None
    content_type: fields.ContentType = None
    assertions: fields.Assertions = None
    alert_after_failures: fields.Failures = FAILURES
    tags: fields.Tags = ()
    webhook_url: fields.Hook = None

    def spec(self, least_s: int) -> ProbeSpec:
        """Return the probe that is asked for; `least_s` is how often the plan allows to ask."""
        blank = ProbeSpec(
            WatchSpec(name="", start_by_s=None), {"kind": "http", "user_agent": USER_AGENT}, 0
        )
        return _spec(blank, self.model_dump(by_alias=False), least_s)


class MonitorChange(Sent):
    """What changes of a monitor; what is not sent stays."""

    name: fields.Name = ""
    url: fields.Url = ""
    method: fields.Method = ""
    expected_status_codes: fields.Codes = ()
    timeout_ms: fields.Timeout = 0
    interval_seconds: fields.Interval = 0
    headers: fields.HeadersSent = None
    body: fields.Body = None
    content_type: fields.ContentType = None
    assertions: fields.Assertions = None
    alert_after_failures: fields.Failures = 0
    is_enabled: fields.Flag = True
    tags: fields.TagsOrNone = None
    webhook_url: fields.Hook = None

    def spec(self, before: ProbeSpec, asked: Asked, least_s: int) -> ProbeSpec:
        """Return the probe as it shall be; what was shown masked and comes back stays."""
        sent = self.model_dump(exclude_unset=True, by_alias=False)
        request = asked.target.request
        stored = _apart(request)[0]
        self._check_origin(request, stored)
        if sent.get("headers"):
            sent["headers"] = {
                name: stored[name] if text == masked(name, stored.get(name, "")) else text
                for name, text in sent["headers"].items()
            }
        if sent.get("body") == REDACTED and request.body:
            sent["body"] = request.body
        return _spec(before, sent, least_s)

    def _check_origin(self, request: HttpAction, stored: Mapping[str, str]) -> None:
        """Raise for a new address to which secrets would go that were given for another."""
        if "url" not in self.model_fields_set or same_origin(self.url, request.url):
            return
        again = self.headers or {}
        for name, text in stored.items():
            kept = "headers" not in self.model_fields_set or again.get(name) == masked(name, text)
            if kept and masked(name, text) != text:
                raise Problem(
                    "invalid", f"headers: give {name} again for the new address",
                    {"headers": "is secret; give it again for the new address"},
                )  # fmt: skip


def _spec(before: ProbeSpec, said: Mapping[str, Any], least_s: int) -> ProbeSpec:
    """Return a probe after what was said of it."""
    target, assertions = dict(before.target) | _request(before.target, said), said.get("assertions")
    changes = {_OURS[name]: value for name, value in said.items() if name in _OURS}
    if "tags" in said:
        changes["tags"] = tuple(said["tags"] or ())
    if "interval_seconds" in said:
        changes["schedule"] = f"every {max(least_s, said['interval_seconds'])}s"
    if "assertions" in said:
        assertions = assertions or dict.fromkeys(ASSERTIONS)
        target["assertions"] = [*_demands(target.get("assertions", ()), assertions)]
        if "maxResponseTimeMs" in assertions:
            changes["slow_after_ms"] = assertions["maxResponseTimeMs"]
    return replace(before, watch=replace(before.watch, **changes), target=target)


_OURS = {"name": "name", "alert_after_failures": "failures_before_down"}


def _request(target: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of a request that were said; a body goes with POST and PUT alone."""
    parts = {name: said[name] for name in ("url", "method", "body") if name in said}
    if "timeout_ms" in said:
        parts["timeout_s"] = said["timeout_ms"] / 1000
    if "expected_status_codes" in said:
        parts["expected_status"] = expected_of(said["expected_status_codes"])
    if said.keys() & {"headers", "content_type"}:
        parts["headers"] = _headers(target.get("headers", ()), said)
    if said.keys() & {"method", "body"}:
        method = parts.get("method", target.get("method"))
        body = parts.get("body", target.get("body"))
        parts["body"] = (body or "") if method in WITH_BODY else ""
    return parts


def _headers(before: Iterable[tuple[str, str]], said: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the headers; one that names the content type gives way to the field for it."""
    pairs = list((said["headers"] or {}).items()) if "headers" in said else list(before)
    kinds = [text for name, text in [*before, *pairs] if _is_kind(name)]
    kind = said.get("content_type") or (kinds[-1] if kinds else None)
    if "content_type" in said and said["content_type"] is None:
        kind = None
    rest = [(name, text) for name, text in pairs if not _is_kind(name)]
    return [*rest, *([("Content-Type", kind)] if kind else [])]


def _demands(
    before: Iterable[Mapping[str, Any]], assertions: Mapping[str, Any]
) -> Iterable[Mapping[str, Any]]:
    """Yield what an answer must say: what is not named stays, null removes it."""
    kinds = {"bodyContains": "body_contains", "bodyNotContains": "body_lacks"}
    named = {kinds[name]: text for name, text in assertions.items() if name in kinds}
    yield from (one for one in before if one["kind"] not in named)
    yield from ({"kind": kind, "text": text} for kind, text in named.items() if text)
