"""Cronium's API: events that are run, with their logs, variables and workflows."""

from dogwatch.web.dialect.gate import bearer
from dogwatch.web.dialect.opened import Open
from dogwatch.web.dialect.tongue import Tongue
from dogwatch.web.dialects.cronium.errors import worded
from dogwatch.web.dialects.cronium.health import PUBLIC
from dogwatch.web.dialects.cronium.hooks import HOOKS
from dogwatch.web.dialects.cronium.limits import told, windows
from dogwatch.web.dialects.cronium.routes import BASE, router

__all__ = ["TONGUE"]

OPENED = {
    "/api/health": Open("Tell that the server answers."),
    **{
        path: Open(
            "Start a workflow with the body as its input.", ("POST",),
            (200, 400, 401, 404, 409, 413, 429, 503),
        )
        for path in HOOKS
    },
}  # fmt: skip

TONGUE = Tongue(
    "cronium",
    BASE,
    router,
    bearer,
    windows,
    told,
    worded,
    PUBLIC,
    HOOKS,
    key_header="Authorization",
    opened=OPENED,
)
