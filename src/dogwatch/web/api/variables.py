"""/variables: values that scripts read and set, sealed where they are stored."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Self

from fastapi import Depends, Path, Response
from pydantic import BaseModel, Field

from dogwatch.core.problems import Problem, invalid
from dogwatch.core.variable import (
    DESCRIPTION_LENGTH,
    KEY_LENGTH,
    VALUE_LENGTH,
    description_fault,
    key_fault,
    value_fault,
)
from dogwatch.usecases import variables
from dogwatch.usecases.door import Tx
from dogwatch.usecases.variables import Use, Variable
from dogwatch.vault import Vault
from dogwatch.web.api.auth import needs, resource
from dogwatch.web.api.body import Body
from dogwatch.web.api.call import Call, Called, shown
from dogwatch.web.api.pages import Paged
from dogwatch.web.api.wire import Instant, PageOf

router = resource("variables")

_Description = Annotated[str, Field(max_length=DESCRIPTION_LENGTH)]


async def _key(name: Annotated[str, Path(description="Key.", max_length=KEY_LENGTH)]) -> str:
    """Refuse at once what can be no key."""
    if fault := key_fault(name):
        raise Problem("not_found", f"key: {fault}", {"id": f"can be no key: {fault}"})
    return name


Key = Annotated[str, Depends(_key)]


class VariableValue(Body):
    """The value of a variable; a description that is not sent stays."""

    stand_in: ClassVar[dict[str, Any]] = {"value": ""}
    value: Annotated[str, Field(max_length=VALUE_LENGTH)]
    description: _Description | None = None

    def check(self) -> None:
        """Raise a Problem where no database keeps the text."""
        if fault := value_fault(self.value):
            raise invalid("value", fault)


class VariableChange(Body):
    """Another description; the value stays."""

    stand_in: ClassVar[dict[str, Any]] = {"description": ""}
    description: _Description

    def check(self) -> None:
        """Raise a Problem where no database keeps the text."""
        if fault := description_fault(self.description):
            raise invalid("description", fault)


class UseOut(BaseModel):
    """A job that uses a variable: its script names it, its runs last read and set it then."""

    watch_id: str
    slug: str
    named: bool
    read_at: Instant | None
    set_at: Instant | None

    @classmethod
    def of(cls, use: Use) -> Self:
        """Return the shape of a use."""
        return cls(**{name: getattr(use, name) for name in cls.model_fields})


class VariableOut(BaseModel):
    """A variable without its value, and who uses it.

    `masked`: its value is taken out of what scripts print; one of fewer than 6 characters is not.
    """

    id: str
    key: str
    description: str
    created_at: Instant
    updated_at: Instant
    masked: bool
    uses: list[UseOut]

    @classmethod
    def of(cls, vault: Vault, variable: Variable, uses: Sequence[Use], **more: Any) -> Self:
        """Return the shape of a variable."""
        names = ("id", "key", "description", "created_at", "updated_at")
        values: dict[str, Any] = {name: getattr(variable, name) for name in names}
        values["masked"] = variables.is_masked(vault, variable)
        return cls(**values, uses=list(map(UseOut.of, uses)), **more)


class VariableDetail(VariableOut):
    """A variable with its value."""

    value: str


def _shown(tx: Tx, call: Call, variable: Variable) -> VariableOut:
    uses = variables.uses(tx, [variable])[variable.key]
    return VariableOut.of(call.services.vault, variable, uses)


@router.get("", response_model=PageOf[VariableOut], **needs("variables.list"))
async def list_variables(call: Called, page: Paged) -> Response:
    """List variables without their values, oldest first."""

    def found(tx: Tx) -> list[VariableOut]:
        some = variables.page(tx, call.workspace_id, page.size, page.after)
        uses = variables.uses(tx, some)
        return [VariableOut.of(call.services.vault, one, uses[one.key]) for one in some]

    return page.answer(await call.read(found), lambda one: one, lambda one: one.id)


@router.get("/{name}", response_model=VariableDetail, **needs("variables.show"))
async def show_variable(call: Called, name: Key) -> Response:
    """Show a variable with its value."""
    return shown(await call.read(lambda tx: _detail(tx, call, name)))


def _detail(tx: Tx, call: Call, key: str) -> VariableDetail:
    variable = variables.find(tx, call.workspace_id, key)
    vault, uses = call.services.vault, variables.uses(tx, [variable])[key]
    return VariableDetail.of(vault, variable, uses, value=variables.value_of(vault, variable))


@router.put("/{name}", response_model=VariableOut, **needs("variables.set"))
async def set_variable(call: Called, name: Key, body: VariableValue) -> Response:
    """Set a variable, made if there is none of this key."""
    vault, where = call.services.vault, call.workspace_id

    def put(tx: Tx) -> VariableOut:
        return _shown(
            tx, call, variables.put(tx, vault, where, name, body.value, call.at, body.description)
        )

    return shown(await call.write(put))


@router.patch("/{name}", response_model=VariableOut, **needs("variables.change"))
async def change_variable(call: Called, name: Key, body: VariableChange) -> Response:
    """Change the description of a variable alone."""
    where = call.workspace_id

    def described(tx: Tx) -> VariableOut:
        return _shown(tx, call, variables.describe(tx, where, name, body.description, call.at))

    return shown(await call.write(described))


@router.delete("/{name}", status_code=204, **needs("variables.delete"))
async def remove_variable(call: Called, name: Key) -> Response:
    """Delete a variable."""
    await call.write(lambda tx: variables.remove(tx, call.workspace_id, name))
    return Response(status_code=204)
