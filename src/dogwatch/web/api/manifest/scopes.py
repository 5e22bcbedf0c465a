"""Which watches something is about, in a manifest: by slug."""

from dogwatch.core.alerts import Scope
from dogwatch.core.manifest.said import Told
from dogwatch.usecases import watches
from dogwatch.web.api.manifest.work import Work


def told(work: Work, scope: Scope) -> Told:
    """Return a scope, empty for all; watches that are gone are left out."""
    values = sorted(scope.values)
    if scope.kind == "watches":
        values = sorted(watches.slugs_of(work.tx, work.workspace_id, values).values())
    return {} if scope.kind == "all" else {"scope": {"kind": scope.kind, "values": values}}


def is_empty(one: Told) -> bool:
    """Whether what is told is about watches that are all gone."""
    return "scope" in one and not one["scope"]["values"]
