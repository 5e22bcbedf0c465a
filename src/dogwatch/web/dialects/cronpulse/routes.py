"""The routes of CronPulse, in the order of its document."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request, Response

from dogwatch.core.http_action import check_url
from dogwatch.core.problems import invalid
from dogwatch.usecases import lists, numbered, projects, watches
from dogwatch.usecases.aliases import Named
from dogwatch.usecases.door import Tx
from dogwatch.usecases.projects import MOST, Project
from dogwatch.web.dialect.call import (
    Called,
    DialectCall,
    Naming,
    asks,
    checked,
    shown,
    shown_all,
    takes,
)
from dogwatch.web.dialect.route import needs, router_of
from dogwatch.web.dialects.cronpulse import jobs
from dogwatch.web.dialects.cronpulse.jobs import CUID
from dogwatch.web.dialects.cronpulse.wire import (
    Done,
    Job,
    JobChange,
    JobNew,
    JobsAsked,
    JobSummary,
    ProjectChange,
    ProjectNew,
    ProjectOut,
    project_out,
    summary,
)

BASE = "/api/v1"

router = router_of(BASE)


async def token_of(request: Request) -> str | None:
    """Return the key that was sent."""
    return request.headers.get("x-api-key")


# --- projects ----------------------------------------------------------------------------------


@router.get("/projects", response_model=list[ProjectOut], openapi_extra=needs("watches.list"))
async def list_projects(call: Called) -> Response:
    """List projects with their jobs, oldest first."""

    def found(tx: Tx, naming: Naming) -> list[ProjectOut]:
        known = _known(tx, call, naming.make)
        jobs_of = _summaries(tx, call, naming, {})
        return [project_out(one, jobs_of.get(one.label, [])) for one in known]

    return shown_all(await call.read(found))


@router.post(
    "/projects",
    response_model=ProjectOut,
    status_code=201,
    openapi_extra=needs("watches.make") | takes(ProjectNew),
)
async def make_project(call: Called) -> Response:
    """Make a project."""
    body = await call.sent(ProjectNew)
    _check_address(body.url)

    def made(tx: Tx) -> Project:
        return projects.make(tx, call.workspace_id, body.name, body.url, CUID, call.at)

    return shown(project_out(await call.write(made), []), 201)


@router.get("/projects/{name}", response_model=ProjectOut, openapi_extra=needs("watches.show"))
async def show_project(call: Called, name: str) -> Response:
    """Show a project with its jobs; the document has none of this."""

    def found(tx: Tx, naming: Naming) -> ProjectOut:
        return _project(tx, call, naming, projects.find(tx, call.workspace_id, name))

    return shown(await call.read(found))


@router.put(
    "/projects/{name}",
    response_model=ProjectOut,
    openapi_extra=needs("watches.change") | takes(ProjectChange),
)
async def change_project(call: Called, name: str) -> Response:
    """Change a project; what is not sent stays."""
    said = await call.body()

    def changed(tx: Tx) -> ProjectOut:
        project = projects.find(tx, call.workspace_id, name)
        before = {"name": project.name, "url": project.url}
        news = {name: value for name, value in said.items() if value != before.get(name)}
        sent = before | checked(ProjectChange, news).given()
        if "url" in news:
            _check_address(sent["url"])
        return _project(tx, call, call.give_names, projects.change(tx, project, **sent))

    return shown(await call.write(changed, name))


@router.delete("/projects/{name}", response_model=Done, openapi_extra=needs("watches.delete"))
async def remove_project(call: Called, name: str) -> Response:
    """Delete a project with all its jobs and what was kept of them."""

    def removed(tx: Tx) -> None:
        projects.remove(tx, projects.find(tx, call.workspace_id, name))

    await call.write(removed, name)
    return shown(Done())


# --- jobs --------------------------------------------------------------------------------------


@router.get("/jobs", response_model=list[Job], openapi_extra=needs("jobs.list") | asks(JobsAsked))
async def list_jobs(call: Called) -> Response:
    """List jobs, oldest first, of one project or of all."""
    asked = call.asked(JobsAsked)

    def found(tx: Tx, naming: Naming) -> list[Job]:
        filters: dict[str, Any] = {}
        if asked.project_id is not None:
            project = projects.find(tx, call.workspace_id, asked.project_id)
            filters = {"project": project.label or None}
        records = numbered.watch_page(tx, call.workspace_id, 1, MOST, **filters).items
        return jobs.whole(tx, call, naming(tx, records), _known(tx, call, naming.make))

    return shown_all(await call.read(found))


@router.post(
    "/jobs",
    response_model=Job,
    status_code=201,
    openapi_extra=needs("jobs.make") | takes(JobNew),
)
async def make_job(call: Called) -> Response:
    """Make a job, which is run on its schedule."""
    said = await call.body()

    def made(tx: Tx) -> Job:
        return _job(tx, call, jobs.make(tx, call, said))

    return shown(await call.write(made), 201)


@router.get("/jobs/{name}", response_model=Job, openapi_extra=needs("jobs.show"))
async def show_job(call: Called, name: str) -> Response:
    """Show a job."""

    def found(tx: Tx, naming: Naming) -> Job:
        known = _known(tx, call, naming.make)
        return jobs.whole(tx, call, [call.find(tx, name)], known)[0]

    return shown(await call.read(found))


@router.put(
    "/jobs/{name}", response_model=Job, openapi_extra=needs("jobs.change") | takes(JobChange)
)
async def change_job(call: Called, name: str) -> Response:
    """Change a job; what is not sent stays."""
    said = await call.body()

    def changed(tx: Tx) -> Job:
        named = call.find(tx, name, lock=True)
        return _job(tx, call, jobs.change(tx, call, named, _job(tx, call, named), said))

    return shown(await call.write(changed, name))


@router.delete("/jobs/{name}", response_model=Done, openapi_extra=needs("jobs.delete"))
async def remove_job(call: Called, name: str) -> Response:
    """Delete a job with its history."""

    def removed(tx: Tx) -> None:
        watches.remove(tx, call.find(tx, name, lock=True)[1])

    await call.write(removed, name)
    return shown(Done())


# --- what the routes share ---------------------------------------------------------------------


def _known(tx: Tx, call: DialectCall, make: bool) -> Sequence[Project]:
    return projects.listed(tx, call.workspace_id, CUID, call.at, make=make)


def _job(tx: Tx, call: DialectCall, named: Named) -> Job:
    return jobs.whole(tx, call, [named], _known(tx, call, True))[0]


def _project(tx: Tx, call: DialectCall, naming: Naming, project: Project) -> ProjectOut:
    of_label = _summaries(tx, call, naming, {"project": project.label or None})
    return project_out(project, of_label.get(project.label, []))


def _summaries(
    tx: Tx, call: DialectCall, naming: Naming, filters: Mapping[str, Any]
) -> dict[str, list[JobSummary]]:
    """Return the jobs of projects by their labels."""
    found: dict[str, list[JobSummary]] = {}
    records = numbered.watch_page(tx, call.workspace_id, 1, MOST, **filters).items
    views = lists.views(tx, records, call.at)
    for named, view in zip(naming(tx, records), views, strict=True):
        found.setdefault(named[1].project or "", []).append(summary(named, view))
    return found


def _check_address(url: str) -> None:
    if fault := check_url(url):
        raise invalid("url", fault)
