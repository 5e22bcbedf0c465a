"""/maintenance: windows in which no alert opens. Watching goes on in them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal, Self

from fastapi import Response
from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field

from dogwatch.core.alerts import Scope
from dogwatch.core.problems import Problem
from dogwatch.core.windows import WindowSpec
from dogwatch.usecases import maintenance
from dogwatch.usecases.door import Tx
from dogwatch.usecases.maintenance import Maintenance
from dogwatch.web.api.auth import needs, resource
from dogwatch.web.api.body import Body
from dogwatch.web.api.call import Called, Id, shown
from dogwatch.web.api.pages import Paged
from dogwatch.web.api.scope import ScopeAsked, ScopeOut
from dogwatch.web.api.wire import Instant, PageOf

router = resource("maintenance")

_Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]


def _text(value: Any) -> Any:
    """Refuse a number, which would be read as seconds since 1970."""
    if value is not None and not isinstance(value, str):
        raise ValueError("give a time such as 2027-01-01T00:00:00Z")
    return value


_At = Annotated[AwareDatetime | None, Field(strict=False), BeforeValidator(_text)]


class Window(Body):
    """When: once from `start_at` to `end_at`; weekly on `days` from `start` on; or by `cron`."""

    kind: Literal["once", "weekly", "cron"]
    start_at: _At = None
    end_at: _At = None
    days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = Field(default=[])
    start: str | None = Field(default=None, description="Such as 22:00.")
    cron: str | None = None
    duration_s: int | None = None
    timezone: str = "UTC"

    def spec(self) -> WindowSpec:
        """Return what is said, unchecked."""
        given = {name: getattr(self, name) for name in WindowSpec.__slots__}
        times = {name: given[name] and given[name].astimezone(UTC) for name in _TIMES}
        return WindowSpec(**given | times | {"days": tuple(self.days)})


_TIMES = ("start_at", "end_at")


class MaintenanceFields(Body):
    """What may be said of a window."""

    scope: ScopeAsked = ScopeAsked()
    window: Window

    def check(self) -> None:
        """Raise a Problem of all bad fields."""
        wrong = dict(self.scope.faults())
        try:
            self.window.spec().window()
        except Problem as problem:
            wrong |= {f"window.{name}": told for name, told in problem.fields.items()}
        if wrong:
            raise Problem("invalid", "see errors", wrong)


_STAND_IN = {"kind": "cron", "cron": "0 0 * * *", "duration_s": 60}


class MaintenanceNew(MaintenanceFields):
    """A new window for watches: all of them, unless the scope says less."""

    stand_in: ClassVar[Mapping[str, Any]] = {"name": "x", "window": _STAND_IN}
    name: _Name


class MaintenanceChange(MaintenanceFields):
    """Changes of a window: what is not sent stays; `window` is replaced as a whole."""

    name: _Name = "x"
    window: Window = Window(kind="cron", cron="0 0 * * *", duration_s=60)


class MaintenanceOut(BaseModel):
    """A window, and when it ends while it is open."""

    id: str
    name: str
    scope: ScopeOut
    window: dict[str, Any]
    open_until_at: Instant | None
    created_at: Instant

    @classmethod
    def of(cls, one: Maintenance, at: datetime) -> Self:
        """Return the shape of a window."""
        return cls(
            id=one.id,
            name=one.name,
            scope=ScopeOut.of(one.scope),
            window=window_told(one.spec),
            open_until_at=one.open_until(at),
            created_at=one.created_at,
        )


def window_told(spec: WindowSpec) -> dict[str, Any]:
    """Return what was said, without what was not."""
    told = {name: getattr(spec, name) for name in WindowSpec.__slots__}
    times = {name: told[name] and told[name].isoformat().replace("+00:00", "Z") for name in _TIMES}
    return {name: value for name, value in (told | times).items() if value}


@router.get("", response_model=PageOf[MaintenanceOut], **needs("maintenance.list"))
async def list_maintenance(call: Called, page: Paged) -> Response:
    """List windows, oldest first."""
    found = await call.read(lambda tx: maintenance.page(tx, call.workspace_id))
    cut = page.cut(found, lambda one: one.id)
    return page.answer(cut, lambda one: MaintenanceOut.of(one, call.at), lambda one: one.id)


@router.post("", response_model=MaintenanceOut, status_code=201, **needs("maintenance.make"))
async def make_maintenance(call: Called, body: MaintenanceNew) -> Response:
    """Make a window: what goes down in it alerts at its end, if it is still down."""

    def made(tx: Tx) -> MaintenanceOut:
        scope, spec = body.scope.scope(), body.window.spec()
        one = maintenance.add(tx, call.workspace_id, body.name, scope, spec, call.at)
        return MaintenanceOut.of(one, call.at)

    return await call.post(201, made, "maintenance")


@router.get("/{name}", response_model=MaintenanceOut, **needs("maintenance.show"))
async def show_maintenance(call: Called, name: Id) -> Response:
    """Show a window."""
    found = await call.read(lambda tx: maintenance.find(tx, call.workspace_id, name))
    return shown(MaintenanceOut.of(found, call.at))


@router.patch("/{name}", response_model=MaintenanceOut, **needs("maintenance.change"))
async def change_maintenance(call: Called, name: Id, body: MaintenanceChange) -> Response:
    """Change a window; what is not sent stays. What it held is decided anew."""
    sent = body.model_fields_set

    def changed(tx: Tx) -> MaintenanceOut:
        one = maintenance.find(tx, call.workspace_id, name)
        scope: Scope = body.scope.scope() if "scope" in sent else one.scope
        spec = body.window.spec() if "window" in sent else one.spec
        label = body.name if "name" in sent else one.name
        return MaintenanceOut.of(maintenance.change(tx, one, label, scope, spec, call.at), call.at)

    return shown(await call.write(changed))


@router.delete("/{name}", status_code=204, **needs("maintenance.delete"))
async def remove_maintenance(call: Called, name: Id) -> Response:
    """Delete a window; what is still down under it alerts now."""
    await call.write(lambda tx: maintenance.remove(tx, call.workspace_id, name, call.at))
    return Response(status_code=204)
