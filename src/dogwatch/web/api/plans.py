"""/plans: how much of everything a workspace may have, for admins of the instance."""

from dataclasses import asdict

from fastapi import Response
from pydantic import BaseModel

from dogwatch.core.plans import PLANS
from dogwatch.web.api.auth import needs, resource
from dogwatch.web.api.call import Called
from dogwatch.web.api.pages import Paged
from dogwatch.web.api.wire import PageOf

router = resource("plans")


class PlanOut(BaseModel):
    """A plan; null is no limit."""

    name: str
    watches: int | None
    http_monitors: int | None
    min_interval_s: int
    history_days: int | None
    probe_history_days: int | None
    api_keys: int | None
    requests_per_minute: int | None
    requests_per_hour: int | None
    requests_per_day: int | None
    members: int | None
    output_bytes: int | None
    concurrent_runs: int | None
    webhooks_per_watch: int | None
    status_pages: int | None
    active_incidents: int | None


@router.get("", response_model=PageOf[PlanOut], **needs("plans.list"))
async def list_plans(call: Called, page: Paged) -> Response:
    """List the plans, by name."""
    found = sorted(PLANS.values(), key=lambda plan: plan.name)
    cut = page.cut(found, lambda plan: plan.name)
    return page.answer(cut, lambda plan: PlanOut(**asdict(plan)), lambda plan: plan.name)
