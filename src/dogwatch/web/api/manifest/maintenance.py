"""Maintenance windows in a manifest; what is over is left out, and may stand in a file for ever."""

from collections.abc import Sequence

from dogwatch.core.manifest.said import Told, plain, without
from dogwatch.core.windows import WindowSpec
from dogwatch.usecases import maintenance
from dogwatch.usecases.keeping import MAINTENANCE
from dogwatch.usecases.maintenance import Maintenance
from dogwatch.web.api.maintenance import MaintenanceNew, window_told
from dogwatch.web.api.manifest.places import parsed
from dogwatch.web.api.manifest.plan import Plan, Writing
from dogwatch.web.api.manifest.present import Present
from dogwatch.web.api.manifest.sets import Set, is_empty, scope_asked


def _judge(one: Told) -> None:
    parsed(MaintenanceNew, one)


def _all(present: Present) -> Sequence[tuple[Told, str]]:
    return [one for one in _found(present, over=False) if not is_empty(one[0])]


def _past(present: Present) -> Sequence[tuple[Told, str]]:
    return _found(present, over=True)


def _found(present: Present, *, over: bool) -> Sequence[tuple[Told, str]]:
    return [
        (_told(one.name, present.scope(one.scope), one.spec), one.id)
        for one in present.maintenance
        if _is_over(present, one) is over
    ]


def _is_over(present: Present, one: Maintenance) -> bool:
    return one.spec.end_at is not None and one.spec.end_at <= present.at


def _told(name: str, scope: Told, spec: WindowSpec) -> Told:
    window = {name: plain(value) for name, value in window_told(spec).items()}
    return {"name": name, **scope, "window": without(window, {"timezone": "UTC"})}


def _plain(plan: Plan, one: Told) -> Told:
    body = parsed(MaintenanceNew, one)
    spec = body.window.spec()
    told = _told(body.name.strip(), scope_asked(plan, one), spec)
    if told not in [known for known, _ in (*_all(plan.present), *_past(plan.present))]:
        maintenance.check(spec, plan.present.at)
    return told


def _made(writing: Writing, plain: Told) -> str:
    body = parsed(MaintenanceNew, plain)
    scope, spec = body.scope.scope(), body.window.spec()
    return maintenance.add(*writing.where, body.name, scope, spec, writing.present.at).id


def _gone(writing: Writing, own: str) -> None:
    maintenance.remove(*writing.where, own, writing.present.at)


def _name(one: Told) -> object:
    return one["name"]


WINDOWS = Set("maintenance", MAINTENANCE, _judge, _all, _plain, _made, _gone, _name, _past)
