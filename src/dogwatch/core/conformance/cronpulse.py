"""CronPulse, by its API documentation and the clients it publishes."""

from dogwatch.core.conformance.step import Step

_PROJECT = "id:str name:str url:str jobs:list"
_SUMMARY = "id:str name:str lastStatus:str?"
_JOB = (
    "id:str name:str projectId:str url:str method:str schedule:str heartbeat:bool "
    "heartbeatTolerance:int timeout:int expectedStatusCode:int headers:dict body:str? "
    "lastStatus:str? lastActivityAt:str? nextRunAt:str?"
)
_ERROR = "error:str"
_DONE = "success:bool"
_NEW = {
    "name": "dialect check", "projectId": "{project}", "url": "https://example.com/health",
    "method": "GET", "schedule": "0 0 1 1 *", "heartbeat": True, "heartbeatTolerance": 5,
    "timeout": 30, "expectedStatusCode": 200, "headers": {"Authorization": "Bearer token"},
}  # fmt: skip

STEPS = (
    Step("without a key", "GET", "/api/v1/projects", 401, shape=_ERROR, keyed=False),
    Step(
        "create a project", "POST", "/api/v1/projects", 201,
        {"name": "dialect check", "url": "https://example.com"}, shape=_PROJECT,
        keep={"project": ("id",)},
    ),
    Step(
        "create a job", "POST", "/api/v1/jobs", 201, _NEW, shape=_JOB, keep={"id": ("id",)},
    ),
    Step("show a job", "GET", "/api/v1/jobs/{id}", 200, shape=_JOB),
    Step("list jobs", "GET", "/api/v1/jobs?projectId={project}", 200, at=(0,), shape=_JOB),
    Step("show a project", "GET", "/api/v1/projects/{project}", 200, shape=_PROJECT),
    Step("its jobs", "GET", "/api/v1/projects/{project}", 200, at=("jobs", 0), shape=_SUMMARY),
    Step("update a job", "PUT", "/api/v1/jobs/{id}", 200, {"timeout": 60}, shape=_JOB),
    Step("a bad field", "PUT", "/api/v1/jobs/{id}", 400, {"timeout": "60"}, shape=_ERROR),
    Step("ping: beat", "GET", "/api/ping/{id}?client=check", 200, shape=_DONE, keyed=False),
    Step("ping: start", "GET", "/api/ping/{id}/start", 200, shape=_DONE, keyed=False),
    Step("ping: success", "GET", "/api/ping/{id}/success", 200, shape=_DONE, keyed=False),
    Step("ping: unknown", "GET", "/api/ping/unknown12", 404, shape=_ERROR, keyed=False),
    Step("an unknown job", "GET", "/api/v1/jobs/clunknown", 404, shape=_ERROR),
    Step("delete a job", "DELETE", "/api/v1/jobs/{id}", 200, shape=_DONE, clears=True),
    Step(
        "delete a project", "DELETE", "/api/v1/projects/{project}", 200, shape=_DONE,
        clears=True,
    ),
)  # fmt: skip
