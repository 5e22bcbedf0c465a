"""CronOwl, by its API documentation and its public server."""

from dogwatch.core.conformance.step import Step

_CHECK = (
    "id:str name:str slug:str schedule:str scheduleType:str cronExpression:str? timezone:str "
    "gracePeriod:int status:str paused:bool lastPing:str? lastDuration:int? webhookUrl:str? "
    "tags:list maxDuration:int? createdAt:str"
)
_MONITOR = (
    "id:str name:str url:str method:str expectedStatusCodes:list timeoutMs:int "
    "intervalSeconds:int headers:dict? body:str? contentType:str? assertions:dict? status:str "
    "lastCheckedAt:str? lastResponseTimeMs:int? lastStatusCode:int? lastError:str? "
    "alertAfterFailures:int consecutiveFailures:int uptimePercent24h:num? avgResponseTime24h:int? "
    "isEnabled:bool webhookUrl:str? tags:list createdAt:str updatedAt:str"
)
_PING = (
    "id:str timestamp:str ip:str? userAgent:str? duration:int? exitCode:int? output:str? "
    "status:str?"
)
_TURN = "id:str status:str timestamp:str duration:int?"
_PAGE = "page:int limit:int total:int totalPages:int"
_PINGED = "ok:bool message:str"
_FAULT = "code:str message:str"
_BAD_FIELD = f"{_FAULT} details:dict"
_NEW = {
    "name": "dialect check", "cronExpression": "0 0 1 1 *", "timezone": "UTC", "gracePeriod": 10,
    "tags": ["check"], "maxDuration": 300000,
}  # fmt: skip
_WATCHED = {"name": "dialect check", "url": "https://example.com/health"}

STEPS = (
    Step("without a key", "GET", "/api/v1/checks", 401, at=("error",), shape=_FAULT, keyed=False),
    Step(
        "list keys", "GET", "/api/v1/auth/keys", 200, at=("data", 0),
        shape="id:str name:str prefix:str createdAt:str lastUsedAt:str?",
    ),
    Step(
        "create a check", "POST", "/api/v1/checks", 200, _NEW, ("data",), _CHECK,
        keep={"id": ("data", "id"), "slug": ("data", "slug")},
    ),
    Step("list checks", "GET", "/api/v1/checks", 200, shape="success:bool data:list meta:dict"),
    Step("which part it is", "GET", "/api/v1/checks?limit=1", 200, at=("meta",), shape=_PAGE),
    Step("show a check", "GET", "/api/v1/checks/{id}", 200, at=("data",), shape=_CHECK),
    Step(
        "update a check", "PATCH", "/api/v1/checks/{id}", 200, {"gracePeriod": 5}, ("data",),
        _CHECK,
    ),
    Step(
        "a bad field", "PATCH", "/api/v1/checks/{id}", 400, {"gracePeriod": 61}, ("error",),
        _BAD_FIELD,
    ),
    Step("ping: start", "GET", "/api/ping/{slug}?start=1", 200, shape=_PINGED, keyed=False),
    Step(
        "ping", "GET", "/api/ping/{slug}?duration=1500&exit_code=0", 200, shape=_PINGED,
        keyed=False,
    ),
    Step(
        "ping by POST", "POST", "/api/ping/{slug}", 200, {"status": "success", "output": "done"},
        shape=_PINGED, keyed=False,
    ),
    Step("ping: unknown", "GET", "/api/ping/unknown123", 404, shape="error:str", keyed=False),
    Step("list pings", "GET", "/api/v1/checks/{id}/pings", 200, at=("data", 0), shape=_PING),
    Step(
        "whose pings", "GET", "/api/v1/checks/{id}/pings", 200, at=("meta",),
        shape="checkId:str checkName:str count:int",
    ),
    Step("list changes", "GET", "/api/v1/checks/{id}/status", 200, at=("data", 0), shape=_TURN),
    Step(
        "pause a check", "POST", "/api/v1/checks/{id}/pause", 200, at=("data",),
        shape="paused:bool id:str",
    ),
    Step("pause it again", "POST", "/api/v1/checks/{id}/pause", 400, at=("error",), shape=_FAULT),
    Step(
        "resume a check", "POST", "/api/v1/checks/{id}/resume", 200, at=("data",),
        shape="paused:bool id:str",
    ),
    Step(
        "create a monitor", "POST", "/api/v1/http-monitors", 200, _WATCHED, ("data",), _MONITOR,
        keep={"monitor": ("data", "id")},
    ),
    Step(
        "list monitors", "GET", "/api/v1/http-monitors", 200, at=("data", 0), shape=_MONITOR,
    ),
    Step(
        "update a monitor", "PATCH", "/api/v1/http-monitors/{monitor}", 200,
        {"isEnabled": False}, ("data",), _MONITOR,
    ),
    Step("an unknown check", "GET", "/api/v1/checks/unknown", 404, at=("error",), shape=_FAULT),
    Step(
        "delete a monitor", "DELETE", "/api/v1/http-monitors/{monitor}", 200, at=("data",),
        shape="deleted:bool id:str", clears=True,
    ),
    Step(
        "delete a check", "DELETE", "/api/v1/checks/{id}", 200, at=("data",),
        shape="deleted:bool", clears=True,
    ),
)  # fmt: skip
