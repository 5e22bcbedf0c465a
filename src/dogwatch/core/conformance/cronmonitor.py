"""CronMonitor, by its API documentation."""

from dogwatch.core.conformance.step import Step

_MADE = "id:str name:str schedule:str timezone:str grace_period:int status:str"
_TIMES = "last_ping_at:str? next_expected_at:str?"
_LISTED = f"{_MADE} {_TIMES} created_at:str"
_DETAIL = f"{_MADE} ping_url:str {_TIMES} ping_count:int failure_count:int created_at:str"
_PING = "id:str pinged_at:str status:str duration:num? message:str? ip_address:str"
_ERROR = "code:str message:str"
_NEW = {
    "name": "dialect check", "schedule": "0 2 * * *", "timezone": "Europe/Warsaw",
    "grace_period": 300, "enabled": True,
}  # fmt: skip
_ONE = "/api/v1/monitors/{id}"

STEPS = (
    Step(
        "without a token", "GET", "/api/v1/monitors", 401, at=("error",), shape=_ERROR, keyed=False
    ),
    Step(
        "create a monitor", "POST", "/api/v1/monitors", 201, _NEW, ("data",),
        f"{_MADE} ping_url:str created_at:str",
        keep={"id": ("data", "id"), "url": ("data", "ping_url")},
    ),
    Step("list monitors", "GET", "/api/v1/monitors", 200, at=("data", 0), shape=_LISTED),
    Step(
        "its page", "GET", "/api/v1/monitors", 200, at=("meta",),
        shape="total:int page:int per_page:int",
    ),
    Step("show a monitor", "GET", _ONE, 200, at=("data",), shape=_DETAIL),
    Step(
        "update a monitor", "PATCH", _ONE, 200, {"grace_period": 600}, ("data",),
        "id:str name:str schedule:str timezone:str grace_period:int updated_at:str",
    ),
    Step(
        "a bad field", "PATCH", _ONE, 422, {"schedule": "x"}, ("error",), f"{_ERROR} details:dict",
    ),
    Step("ping", "GET", "{url}", 200, shape="message:str", keyed=False),
    Step("ping: unknown", "GET", "/ping/unknown12345", 404, shape="message:str", keyed=False),
    Step("list pings", "GET", _ONE + "/pings?limit=5", 200, at=("data", 0), shape=_PING),
    Step(
        "pause a monitor", "POST", _ONE + "/pause", 200, at=("data",),
        shape="id:str status:str paused_at:str",
    ),
    Step(
        "resume a monitor", "POST", _ONE + "/resume", 200, at=("data",),
        shape="id:str status:str resumed_at:str",
    ),
    Step(
        "an unknown monitor", "GET", "/api/v1/monitors/mon_unknown", 404, at=("error",),
        shape=_ERROR,
    ),
    Step("delete a monitor", "DELETE", _ONE, 204, text="", clears=True),
)  # fmt: skip
