"""What is shown of runs, which Cronium calls logs."""

from typing import Annotated, Self

from pydantic import BaseModel, Field

from dogwatch.core.result import Outcome
from dogwatch.usecases.aliases import Named
from dogwatch.usecases.lists import Run
from dogwatch.web.dialect.times import Instant
from dogwatch.web.dialects.cronium.answers import Pagination, Shape

MOST_TEXT = 100_000
MOST_OF_PAGE = 1_000_000
_PREFIX = "exec_"
_STATUSES = {
    Outcome.OK: "SUCCESS",
    Outcome.SLOW: "SUCCESS",
    Outcome.TIMEOUT: "TIMEOUT",
}
_OPEN = {"queued": "PENDING", "running": "RUNNING"}


class LogsAsked(BaseModel):
    """Which part of the logs: by page, or from an offset on."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    offset: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1

    @property
    def first(self) -> int:
        """How many come before the part that is asked for."""
        return self.offset or (self.page - 1) * self.limit

    @property
    def text_length(self) -> int:
        """How much of each output is shown: the more logs, the less."""
        return min(MOST_TEXT, MOST_OF_PAGE // self.limit)

    def pagination(self, total: int) -> Pagination:
        """Return which part of `total` logs is shown."""
        page = self.first // self.limit + 1
        return Pagination(page=page, limit=self.limit, total=total, pages=-(-total // self.limit))


def execution_id(run_id: str) -> str:
    """Return the id of a run as it is shown."""
    return f"{_PREFIX}{run_id}"


def run_id(text: str) -> str:
    """Return our id of a run that is asked for."""
    return text.removeprefix(_PREFIX)[:64]


def status_of(run: Run) -> str:
    """Return how a run is; one that was cancelled did not do its work."""
    if run.outcome is None:
        return _OPEN[run.state]
    return _STATUSES.get(run.outcome, "FAILURE")


class LogOut(Shape):
    """A log: the names of its columns, then those that only the document has."""

    id: str
    event_id: int
    workflow_id: int | None
    status: str
    output: str
    start_time: Instant | None
    end_time: Instant | None
    duration: int | None
    successful: bool
    event_name: str
    event_type: str
    retries: int
    error: str | None
    user_id: str
    execution_id: str
    exit_code: int | None
    executed_at: Instant | None
    success: bool
    error_message: str | None
    execution_time: float | None
    server_id: None

    @classmethod
    def of(cls, run: Run, named: Named, kind: str, output: str, workflow_id: int | None) -> Self:
        """Return the log of a run of an event of this type."""
        status = status_of(run)
        began_at = run.started_at or run.queued_at
        error = run.reason if status in ("FAILURE", "TIMEOUT") else None
        return cls(
            id=execution_id(run.id),
            event_id=named[0].number,
            workflow_id=workflow_id,
            status=status,
            output=output,
            start_time=began_at,
            end_time=run.finished_at,
            duration=run.duration_ms,
            successful=status == "SUCCESS",
            event_name=named[1].name,
            event_type=kind,
            retries=max(0, run.attempt - 1),
            error=error,
            user_id=str(run.workspace_id),
            execution_id=execution_id(run.id),
            exit_code=run.exit_code,
            executed_at=began_at,
            success=status == "SUCCESS",
            error_message=error,
            execution_time=None if run.duration_ms is None else run.duration_ms / 1000,
            server_id=None,
        )


class SomeLogs(Shape):
    """A part of the logs."""

    logs: list[LogOut]
    pagination: Pagination


class OneLog(Shape):
    """A log."""

    log: LogOut
