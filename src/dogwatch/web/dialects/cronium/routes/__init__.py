"""The routes of Cronium, a file for each of its nouns."""

from dogwatch.web.dialect.route import router_of
from dogwatch.web.dialects.cronium.routes import (
    archive,
    downloads,
    events,
    executions,
    logs,
    servers,
    tokens,
    uses,
    variables,
    workflows,
)
from dogwatch.web.dialects.cronium.routes.calls import BASE

__all__ = ["BASE", "router"]

router = router_of(BASE)
for _part in (
    downloads, events, uses, logs, executions, archive, workflows, variables, servers, tokens,
):  # fmt: skip
    router.routes.extend(_part.router.routes)
