"""What the products' documents state: each endpoint, with the status of success before those of
refusal; 500 is not asked for. Places in braces are whatever a thing is called."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SAMPLES = Path(__file__).parents[1] / "e2e/samples"
_METHOD = re.compile(r"\s(?:-X|--request)\s+([A-Z]+)")
_DATA = re.compile(r"\s(?:-d|--data)\s")
_HOSTS = {
    "cronbeats.com": "", "cronmonitor.io": "", "cronowl.com": "", "app.cronpulse.live": "",
    "your-cronium-instance.com": "", "healthchecks.io": "", "hc-ping.com": "/ping",
}  # fmt: skip
_ADDRESS = re.compile(rf"https://({'|'.join(map(re.escape, _HOSTS))})(/[^\s\"')|?]*)")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One line of a document."""

    method: str
    path: str
    statuses: tuple[int, ...]

    def is_at(self, method: str, path: str) -> bool:
        """Whether a request is one to this endpoint."""
        place = "[^/]+".join(map(re.escape, re.split(r"{\w+}", self.path)))
        return method == self.method and re.fullmatch(place, path) is not None


def _read(text: str) -> tuple[Endpoint, ...]:
    lines = [line.split() for line in text.splitlines() if line]
    return tuple(Endpoint(line[0], line[1], tuple(map(int, line[2:]))) for line in lines)


CRONBEATS = _read("""
POST /api/v1/jobs 201 400 401 403 422 429
GET /api/v1/jobs 200 401 422 429
GET /api/v1/jobs/{id} 200 401 404 429
PUT /api/v1/jobs/{id}/update 200 400 401 403 404 422 429
POST /api/v1/jobs/{id}/delete 204 401 403 404 429
POST /api/v1/jobs/{id}/pause 200 400 401 403 404 429
POST /api/v1/jobs/{id}/resume 200 400 401 403 404 429
GET /api/v1/jobs/{id}/signals 200 401 404 429
GET /api/v1/integrations 200 401 429
PUT /api/v1/integrations/slack 200 400 401 403 422 429
PUT /api/v1/integrations/discord 200 400 401 403 422 429
PUT /api/v1/integrations/telegram 200 400 401 403 422 429
PUT /api/v1/integrations/webhook 200 400 401 403 422 429
POST /api/v1/integrations/{type}/test 200 400 401 404 429
GET /api/v1/integrations/alert-rules 200 401 429
PUT /api/v1/integrations/alert-rules 200 400 401 403 422 429
POST /api/v1/jobs/bulk/pause 200 400 401 422 429
POST /api/v1/jobs/bulk/resume 200 400 401 422 429
POST /api/v1/jobs/bulk/delete 200 400 401 422 429
POST /ping/{key} 200 400 404 429
POST /ping/{key}/start 200 400 404 429
POST /ping/{key}/end/success 200 400 404 429
POST /ping/{key}/end/fail 200 400 404 429
POST /ping/{key}/progress 200 400 404 429
POST /ping/{key}/progress/{percent} 200 400 404 429
""")

CRONIUM = _read("""
GET /api/events 200 401 429
POST /api/events 201 400 401 403 429
GET /api/events/{id} 200 400 401 404 429
PATCH /api/events/{id} 200 400 401 403 404 429
PUT /api/events/{id} 200 400 401 403 404 429
DELETE /api/events/{id} 204 400 401 403 404 429
POST /api/events/{id}/execute 200 400 401 403 404 429
GET /api/events/{id}/logs 200 400 401 404 429
GET /api/workflows 200 401 429
POST /api/workflows 201 400 401 403 429
GET /api/workflows/{id} 200 400 401 404 429
PATCH /api/workflows/{id} 200 400 401 403 404 429
PUT /api/workflows/{id} 200 400 401 403 404 429
POST /api/workflows/{id}/execute 200 400 401 403 404 429
DELETE /api/workflows/{id} 200 400 401 403 404 429
GET /api/servers 200 401 429
GET /api/variables 200 401 429
POST /api/variables 201 400 401 403 409 429
GET /api/variables/{key} 200 401 404 429
PUT /api/variables/{key} 200 400 401 403 404 429
DELETE /api/variables/{key} 200 401 403 404 429
GET /api/events/{id}/workflows 200 400 401 404 429
POST /api/events/download 200 400 401 429
POST /api/events/{id}/run 200 400 401 403 404 429
POST /api/events/{id}/activate 200 400 401 403 404 429
DELETE /api/events/{id}/activate 200 400 401 403 404 429
POST /api/events/{id}/reset-counter 200 400 401 403 404 429
GET /api/workflows/executions 200 401 429
GET /api/workflows/{id}/executions 200 400 401 404 429
GET /api/workflows/{id}/executions/{execution} 200 400 401 404 429
POST /api/workflows/{id}/archive 200 400 401 403 404 429
DELETE /api/workflows/{id}/archive 200 400 401 403 404 429
POST /api/workflows/bulk-archive 200 400 401 403 429
POST /api/workflows/webhook/{key} 200 400 404
POST /api/webhooks/{key} 200 400 401 404
GET /api/logs 200 401 429
GET /api/logs/{id} 200 401 404 429
GET /api/tokens 200 401 429
POST /api/tokens 201 400 401 403 429
PUT /api/tokens/{id} 200 401 403 404 429
DELETE /api/tokens/{id} 200 401 403 404 429
GET /api/health 200
""")

CRONMONITOR = _read("""
GET /api/v1/monitors 200 401 429
GET /api/v1/monitors/{id} 200 401 404 429
POST /api/v1/monitors 201 401 403 422 429
PATCH /api/v1/monitors/{id} 200 401 403 404 422 429
DELETE /api/v1/monitors/{id} 204 401 403 404 429
POST /api/v1/monitors/{id}/pause 200 401 403 404 429
POST /api/v1/monitors/{id}/resume 200 401 403 404 429
GET /api/v1/monitors/{id}/pings 200 401 404 422 429
GET /ping/{token} 200 404
""")

CRONOWL = _read("""
GET /api/v1/auth/keys 200 401 429
POST /api/v1/auth/keys 200 400 401 429
DELETE /api/v1/auth/keys/{id} 200 401 404 429
GET /api/v1/checks 200 401 429
POST /api/v1/checks 200 400 401 429
GET /api/v1/checks/{id} 200 401 404 429
PATCH /api/v1/checks/{id} 200 400 401 404 429
DELETE /api/v1/checks/{id} 200 401 404 429
POST /api/v1/checks/{id}/pause 200 400 401 404 429
POST /api/v1/checks/{id}/resume 200 400 401 404 429
GET /api/v1/checks/{id}/pings 200 401 404 429
GET /api/v1/checks/{id}/status 200 401 404 429
GET /api/v1/http-monitors 200 401 429
POST /api/v1/http-monitors 200 400 401 429
GET /api/v1/http-monitors/{id} 200 401 404 429
PATCH /api/v1/http-monitors/{id} 200 400 401 404 429
DELETE /api/v1/http-monitors/{id} 200 401 404 429
GET /api/ping/{slug} 200 404 429
""")

CRONPULSE = _read("""
GET /api/v1/projects 200 401 403
POST /api/v1/projects 201 400 401 403
PUT /api/v1/projects/{id} 200 400 401 403 404
DELETE /api/v1/projects/{id} 200 401 403 404
GET /api/v1/jobs 200 401 403 404
POST /api/v1/jobs 201 400 401 403 404
GET /api/v1/jobs/{id} 200 401 403 404
PUT /api/v1/jobs/{id} 200 400 401 403 404
DELETE /api/v1/jobs/{id} 200 401 403 404
GET /api/ping/{key} 200 404
GET /api/ping/{key}/start 200 404
GET /api/ping/{key}/success 200 404
GET /api/ping/{key}/fail 200 404
GET /api/run/{key} 200 404
GET /api/complete/{key} 200 404
""")

_OF_VERSION = """
GET /api/V/checks/ 200 401
GET /api/V/checks/{id} 200 401 404
POST /api/V/checks/ 201 400 401 403
POST /api/V/checks/{id} 200 400 401 404
POST /api/V/checks/{id}/pause 200 401 404
POST /api/V/checks/{id}/resume 200 401 404 409
DELETE /api/V/checks/{id} 200 401 404
GET /api/V/checks/{id}/pings/ 200 401 404
GET /api/V/checks/{id}/pings/{n}/body 200 401 404
GET /api/V/checks/{id}/flips/ 200 400 401 404
GET /api/V/channels/ 200 401
GET /api/V/badges/ 200 401
"""
_PINGS = "\n".join(
    f"{method} /ping/{who}{end} {made}"
    for who, made in (("{uuid}", "200 400 404"), ("{ping_key}/{slug}", "200 201 400 404 409"))
    for end in ("", "/start", "/fail", "/log", "/{exit}")
    for method in ("GET", "POST", "HEAD")
)
HEALTHCHECKS = _read(
    _OF_VERSION.replace("/V/", "/v3/")
    + _OF_VERSION.replace("/V/", "/v2/")
    + _OF_VERSION.replace("/V/", "/v1/")
    + "GET /api/v3/status/ 200\n"
    + _PINGS
)

DOCUMENTED: Mapping[str, tuple[Endpoint, ...]] = {
    "cronbeats": CRONBEATS,
    "cronium": CRONIUM,
    "cronmonitor": CRONMONITOR,
    "cronowl": CRONOWL,
    "cronpulse": CRONPULSE,
    "healthchecks": HEALTHCHECKS,
}


def requests_in(text: str) -> Iterator[tuple[str, str]]:
    """Yield method and path of each request that shell text makes by curl."""
    for one in re.split(r"\bcurl\b", text)[1:]:
        found = _ADDRESS.search(one)
        assert found, one
        yield _method(one), _HOSTS[found[1]] + found[2]


def _method(one: str) -> str:
    named = _METHOD.search(one)
    if named:
        return named[1]
    return "HEAD" if " --head " in one else "POST" if _DATA.search(one) else "GET"


def samples_of(name: str) -> str:
    """Return all that is run by curl for a dialect."""
    return "\n\n".join(path.read_text() for path in sorted(SAMPLES.glob(f"{name}*.sh")))
