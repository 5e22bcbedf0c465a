"""Cronium, by its API documentation and what its first public server answered."""

from dogwatch.core.conformance.step import Step

_EVENT = (
    "id:int userId:str name:str description:str shared:bool type:str content:str? httpMethod:str "
    "httpUrl:str? httpHeaders:list httpBody:str? toolActionConfig:null status:str triggerType:str "
    "scheduleNumber:int scheduleUnit:str customSchedule:str? startTime:str? timezone:str "
    "runLocation:str serverId:null timeoutValue:int timeoutUnit:str retries:int executionCount:int "
    "maxExecutions:int? resetCounterOnActive:bool payloadVersion:int lastRunAt:str? nextRunAt:str? "
    "successCount:int failureCount:int tags:list createdAt:str updatedAt:str script:str? "
    "schedule:str? lastRun:str? nextRun:str? envVars:list server:null servers:list "
    "eventServers:list conditionalActions:list successEvents:list failEvents:list "
    "alwaysEvents:list conditionEvents:list"
)
_LOG = (
    "id:str eventId:int workflowId:int? status:str output:str startTime:str? endTime:str? "
    "duration:int? successful:bool eventName:str eventType:str retries:int error:str? userId:str "
    "executionId:str exitCode:int? executedAt:str? success:bool errorMessage:str? "
    "executionTime:num? serverId:null"
)
_WORKFLOW = (
    "id:int userId:str name:str description:str triggerType:str webhookKey:str? "
    "scheduleNumber:int scheduleUnit:str customSchedule:str? startTime:str? timezone:str "
    "runLocation:str overrideEventServers:bool overrideServerIds:list status:str shared:bool "
    "tags:list lastRunAt:str? nextRunAt:str? createdAt:str updatedAt:str nodes:list edges:list"
)
_VARIABLE = "id:int userId:str key:str value:str description:str? createdAt:str updatedAt:str"
_EXECUTION = "id:str eventId:int status:str startedAt:str input:dict"
_ENVELOPE = "success:bool data:dict message:str timestamp:str"
_ERROR = "error:str message:str code:int timestamp:str"
_INVALID = "error:str message:str code:int details:list timestamp:str"
_NEW = {
    "name": "dialect check", "type": "BASH", "script": "true", "schedule": "0 0 1 1 *",
    "status": "DRAFT", "description": "made and removed by dogwatch dialect check",
}  # fmt: skip
_VALUE = {"key": "DIALECT_CHECK", "value": "1"}

STEPS = (
    Step("without a token", "GET", "/api/events", 401, shape=_ERROR, keyed=False),
    Step("health", "GET", "/api/health", 200, shape="status:str timestamp:str", keyed=False),
    Step("an empty event", "POST", "/api/events", 400, {}, shape=_INVALID),
    Step(
        "create an event", "POST", "/api/events", 201, _NEW, ("data", "event"), _EVENT,
        keep={"id": ("event", "id")},
    ),
    Step(
        "list events", "GET", "/api/events", 200,
        shape=f"{_ENVELOPE} events:list pagination:dict",
    ),
    Step("show an event", "GET", "/api/events/{id}", 200, shape=f"{_ENVELOPE} event:dict"),
    Step("its members", "GET", "/api/events/{id}", 200, at=("event",), shape=_EVENT),
    Step(
        "change an event", "PATCH", "/api/events/{id}", 200, {"retries": 2}, ("event",), _EVENT,
    ),
    Step(
        "change it by PUT", "PUT", "/api/events/{id}", 200, {"content": "exit 0"}, ("event",),
        _EVENT,
    ),
    Step("a bad field", "PATCH", "/api/events/{id}", 400, {"retries": "x"}, shape=_INVALID),
    Step(
        "execute an event", "POST", "/api/events/{id}/execute", 200, {"input": {"x": 1}},
        ("execution",), _EXECUTION,
    ),
    Step("its logs", "GET", "/api/events/{id}/logs", 200, at=("logs", 0), shape=_LOG),
    Step(
        "create a workflow", "POST", "/api/workflows", 201,
        {"name": "dialect check", "triggerType": "MANUAL"}, ("data", "workflow"), _WORKFLOW,
        keep={"workflow": ("workflow", "id")},
    ),
    Step(
        "show a workflow", "GET", "/api/workflows/{workflow}", 200, at=("workflow",),
        shape=_WORKFLOW,
    ),
    Step(
        "create a variable", "POST", "/api/variables", 201, _VALUE, ("variable",), _VARIABLE,
        keep={"key": ("variable", "key")},
    ),
    Step("create it again", "POST", "/api/variables", 409, _VALUE, shape=_ERROR),
    Step(
        "change a variable", "PUT", "/api/variables/{key}", 200, {"value": "2"}, ("variable",),
        _VARIABLE,
    ),
    Step(
        "list variables", "GET", "/api/variables", 200, at=("data",),
        shape="variables:list pagination:dict",
    ),
    Step(
        "list servers", "GET", "/api/servers", 200, at=("data",),
        shape="servers:list pagination:dict",
    ),
    Step("an unknown event", "GET", "/api/events/0", 404, shape=_ERROR),
    Step(
        "delete a variable", "DELETE", "/api/variables/{key}", 200, shape=_ENVELOPE, clears=True,
    ),
    Step(
        "delete a workflow", "DELETE", "/api/workflows/{workflow}", 200, shape=_ENVELOPE,
        clears=True,
    ),
    Step("delete an event", "DELETE", "/api/events/{id}", 204, text="", clears=True),
)  # fmt: skip
