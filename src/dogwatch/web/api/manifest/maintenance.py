"""Maintenance windows in a manifest: one that has any says all of them; what is over is left out"""

import json
from collections.abc import Sequence

from dogwatch.core.manifest.said import Told
from dogwatch.core.windows import WindowSpec
from dogwatch.usecases import maintenance
from dogwatch.usecases.maintenance import Maintenance
from dogwatch.web.api.maintenance import MaintenanceNew, window_told
from dogwatch.web.api.manifest import scopes
from dogwatch.web.api.manifest.work import Work, at, parsed


def told(work: Work) -> list[Told]:
    """Return all windows, in an order that does not follow when they were made."""
    return sorted((one for one, _ in _all(work)), key=_text)


def judge(one: Told) -> None:
    """Raise a Problem of all that is wrong in itself."""
    parsed(MaintenanceNew, one)


def take(work: Work, some: Sequence[Told]) -> None:
    """Have these windows and no others; those that are there already stay as they are."""
    left = [(_text(one), own) for one, own in _all(work)]
    for number, one in enumerate(some):
        with at(f"maintenance.{number}"):
            body = parsed(MaintenanceNew, one)
            scope, spec = body.scope.scope(), body.window.spec()
            plain = {"name": body.name.strip(), **scopes.told(work, scope), **_window(spec)}
            same = next((pair for pair in left if pair[0] == _text(plain)), None)
            if same:
                left.remove(same)
            else:
                maintenance.add(work.tx, work.workspace_id, body.name, scope, spec, work.at)
    for _, own in left:
        maintenance.remove(work.tx, work.workspace_id, own, work.at)


def _all(work: Work) -> list[tuple[Told, str]]:
    every = maintenance.page(work.tx, work.workspace_id)
    found = [(_told(work, one), one.id) for one in every if not _is_over(work, one)]
    return [(one, own) for one, own in found if not scopes.is_empty(one)]


def _is_over(work: Work, one: Maintenance) -> bool:
    return one.spec.end_at is not None and one.spec.end_at <= work.at


def _told(work: Work, one: Maintenance) -> Told:
    return {"name": one.name, **scopes.told(work, one.scope), **_window(one.spec)}


def _window(spec: WindowSpec) -> Told:
    return {"window": window_told(spec)}


def _text(one: Told) -> str:
    return json.dumps(one, sort_keys=True)
