"""Healthchecks, by its API v3 and its ping API."""

from dogwatch.core.conformance.step import Step

_CHECK = (
    "name:str slug:str tags:str desc:str grace:int n_pings:int status:str started:bool "
    "last_ping:str? next_ping:str? manual_resume:bool methods:str subject:str subject_fail:str "
    "start_kw:str success_kw:str failure_kw:str filter_subject:bool filter_body:bool "
    "filter_http_body:bool filter_default_fail:bool badge_url:str uuid:str ping_url:str "
    "update_url:str pause_url:str resume_url:str channels:str timeout:int"
)
_PING = "type:str date:str n:int scheme:str remote_addr:str method:str ua:str rid:str? "
_BADGES = "svg:str svg3:str json:str json3:str shields:str shields3:str"
_ERROR = "error:str"
_NEW = {
    "name": "dialect check", "tags": "check", "timeout": 86400, "grace": 3600, "channels": "",
}  # fmt: skip
_ONE = "/api/v3/checks/{id}"

STEPS = (
    Step("without a key", "GET", "/api/v3/checks/", 401, shape=_ERROR, keyed=False),
    Step(
        "create a check", "POST", "/api/v3/checks/", 201, _NEW, shape=_CHECK,
        keep={"id": ("uuid",), "slug": ("slug",)},
    ),
    Step("list checks", "GET", "/api/v3/checks/?tag=check", 200, shape="checks:list"),
    Step(
        "find a check", "GET", "/api/v3/checks/?slug={slug}", 200, at=("checks", 0), shape=_CHECK
    ),
    Step("show a check", "GET", _ONE, 200, shape=_CHECK),
    Step("show it by v1", "GET", "/api/v1/checks/{id}", 200, shape=_CHECK),
    Step("update a check", "POST", _ONE, 200, {"grace": 60}, shape=_CHECK),
    Step(
        "unknown check", "GET", "/api/v3/checks/00000000-0000-4000-8000-000000000000", 404,
        shape=_ERROR,
    ),
    Step("a bad field", "POST", _ONE, 400, {"grace": "60"}, shape=_ERROR),
    Step("ping", "GET", "/ping/{id}", 200, text="OK", keyed=False),
    Step("ping: HEAD", "HEAD", "/ping/{id}", 200, text="", keyed=False),
    Step("ping: start", "POST", "/ping/{id}/start", 200, text="OK", keyed=False),
    Step("ping: exit status", "POST", "/ping/{id}/0", 200, "done", text="OK", keyed=False),
    Step(
        "ping: unknown", "GET", "/ping/00000000-0000-4000-8000-000000000000", 404,
        text="not found", keyed=False,
    ),
    Step(
        "list pings", "GET", _ONE + "/pings/", 200, at=("pings", 0),
        shape=f"{_PING} duration:num exitstatus:int body_url:str",
    ),
    Step(
        "a ping without a body", "GET", _ONE + "/pings/", 200, at=("pings", 1),
        shape=f"{_PING} body_url:null",
    ),
    Step("the body of a ping", "GET", _ONE + "/pings/4/body", 200, text='"done"'),
    Step("list flips", "GET", _ONE + "/flips/", 200, at=("flips", 0), shape="timestamp:str up:int"),
    Step("list integrations", "GET", "/api/v3/channels/", 200, shape="channels:list"),
    Step(
        "list badges", "GET", "/api/v3/badges/", 200, at=("badges", "check"), shape=_BADGES
    ),
    Step("flips of a bad time", "GET", _ONE + "/flips/?seconds=x", 400, shape=_ERROR),
    Step("pause a check", "POST", _ONE + "/pause", 200),
    Step("resume a check", "POST", _ONE + "/resume", 200),
    Step("resume it again", "POST", _ONE + "/resume", 409, shape=_ERROR),
    Step("status", "GET", "/api/v3/status/", 200, text="OK", keyed=False),
    Step("delete a check", "DELETE", _ONE, 200, clears=True),
)  # fmt: skip
