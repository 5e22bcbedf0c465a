"""Healthchecks, by its API v3 and its ping API."""

from dogwatch.core.conformance.step import Step

_PING = (
    "type:str date:str n:int scheme:str remote_addr:str method:str ua:str rid:str? body_url:str?"
)
_ERROR = "error:str"
_NEW = {
    "name": "dialect check", "tags": "check", "timeout": 86400, "grace": 3600, "channels": "",
}  # fmt: skip
_ONE = "/api/v3/checks/{id}"

STEPS = (
    Step("without a key", "GET", "/api/v3/checks/", 401, shape=_ERROR, keyed=False),
    Step("create a check", "POST", "/api/v3/checks/", 201, _NEW, keep={"id": ("uuid",)}),
    Step("list checks", "GET", "/api/v3/checks/?tag=check", 200, shape="checks:list"),
    Step("show a check", "GET", _ONE, 200),
    Step("update a check", "POST", _ONE, 200, {"grace": 60}),
    Step("a bad field", "POST", _ONE, 400, {"grace": "60"}, shape=_ERROR),
    Step("ping", "GET", "/ping/{id}", 200, text="OK", keyed=False),
    Step("ping: HEAD", "HEAD", "/ping/{id}", 200, text="", keyed=False),
    Step("ping: start", "POST", "/ping/{id}/start", 200, text="OK", keyed=False),
    Step("ping: exit status", "POST", "/ping/{id}/0", 200, "done", text="OK", keyed=False),
    Step(
        "ping: unknown", "GET", "/ping/00000000-0000-4000-8000-000000000000", 404,
        text="not found", keyed=False,
    ),
    Step("list pings", "GET", _ONE + "/pings/", 200, at=("pings", 1), shape=f"{_PING}"),
    Step("list flips", "GET", _ONE + "/flips/", 200, at=("flips", 0), shape="timestamp:str up:int"),
    Step("list integrations", "GET", "/api/v3/channels/", 200, shape="channels:list"),
    Step("list badges", "GET", "/api/v3/badges/", 200, shape="badges:dict"),
    Step("pause a check", "POST", _ONE + "/pause", 200),
    Step("resume a check", "POST", _ONE + "/resume", 200),
    Step("delete a check", "DELETE", _ONE, 200, clears=True),
)  # fmt: skip
