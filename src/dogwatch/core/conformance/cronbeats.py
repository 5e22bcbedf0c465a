"""CronBeats, by its API documentation and the clients it publishes."""

from dogwatch.core.conformance.step import Step

_MADE = "id:int job_key:str name:str ping_url:str is_enabled:bool created_at:str"
_JOB = (
    f"{_MADE} description:str? expected_interval_seconds:int grace_seconds:int timezone:str "
    "current_state:dict updated_at:str"
)
_STATE = (
    "status:str last_ping_at:str? last_signal:str? next_expected_at:str? progress:int? "
    "progress_message:str?"
)
_SIGNAL = (
    "id:int signal:str status:str? progress:int? message:str? ip_address:str duration_ms:int? "
    "received_at:str"
)
_PINGED = (
    "status:str message:str action:str job_key:str timestamp:str processing_time_ms:num "
    "next_expected:str?"
)
_ERROR = "success:bool error:str message:str meta:dict"
_NEW = {
    "name": "dialect check", "expected_interval_seconds": 86400, "grace_seconds": 600,
    "description": "made and removed by dogwatch dialect check", "timezone": "UTC",
}  # fmt: skip

STEPS = (
    Step("without a key", "GET", "/api/v1/jobs", 401, shape=_ERROR, keyed=False),
    Step(
        "create a job", "POST", "/api/v1/jobs", 201, _NEW, ("data",), _MADE,
        keep={"id": ("data", "id"), "key": ("data", "job_key")},
    ),
    Step("list jobs", "GET", "/api/v1/jobs", 200, shape="success:bool data:list meta:dict"),
    Step("show a job", "GET", "/api/v1/jobs/{id}", 200, at=("data",), shape=_JOB),
    Step("its state", "GET", "/api/v1/jobs/{id}", 200, at=("data", "current_state"), shape=_STATE),
    Step(
        "update a job", "PUT", "/api/v1/jobs/{id}/update", 200, {"grace_seconds": 300}, ("data",),
        _JOB,
    ),
    Step(
        "a bad field", "PUT", "/api/v1/jobs/{id}/update", 422, {"grace_seconds": "x"},
        shape="success:bool error:str message:str errors:dict meta:dict",
    ),
    Step("ping", "POST", "/ping/{key}", 200, shape=_PINGED, keyed=False),
    Step("ping: start", "POST", "/ping/{key}/start", 200, shape=_PINGED, keyed=False),
    Step(
        "ping: progress", "POST", "/ping/{key}/progress/40", 200, {"message": "half"},
        shape=_PINGED, keyed=False,
    ),
    Step("ping: end", "POST", "/ping/{key}/end/success", 200, shape=_PINGED, keyed=False),
    Step(
        "ping: unknown", "POST", "/ping/Unknown1", 404, shape="status:str message:str", keyed=False
    ),
    Step(
        "list signals", "GET", "/api/v1/jobs/{id}/signals", 200, at=("data", 0), shape=_SIGNAL,
    ),
    Step(
        "pause a job", "POST", "/api/v1/jobs/{id}/pause", 200, at=("data",),
        shape="id:int is_enabled:bool",
    ),
    Step("pause it again", "POST", "/api/v1/jobs/{id}/pause", 400, shape=_ERROR),
    Step(
        "resume many", "POST", "/api/v1/jobs/bulk/resume", 200, {"job_ids": [0]}, ("data",),
        "total_requested:int successfully_resumed:int failed:list",
    ),
    Step(
        "list integrations", "GET", "/api/v1/integrations", 200, at=("data", 0),
        shape="type:str is_enabled:bool is_configured:bool config:dict",
    ),
    Step("an unknown job", "GET", "/api/v1/jobs/0", 404, shape=_ERROR),
    Step("delete a job", "POST", "/api/v1/jobs/{id}/delete", 204, text="", clears=True),
    Step("it is gone", "GET", "/api/v1/jobs/{id}", 404, shape=_ERROR),
    Step("delete it for good", "DELETE", "/api/v1/jobs/{id}", 204, text="", clears=True),
)  # fmt: skip
