"""Variables: values that scripts read and set."""

from fastapi import Response

from dogwatch.core.problems import Problem
from dogwatch.core.variable import PER_WORKSPACE
from dogwatch.usecases import variables
from dogwatch.usecases.door import Tx
from dogwatch.usecases.variables import Variable
from dogwatch.web.dialect.call import Called, DialectCall, Naming, takes
from dogwatch.web.dialect.route import needs, router_of
from dogwatch.web.dialects.cronium.answers import Nothing, Pagination, answer, enveloped, listed
from dogwatch.web.dialects.cronium.routes.calls import BASE
from dogwatch.web.dialects.cronium.wire.variables import (
    OneVariable,
    SomeVariables,
    VariableChange,
    VariableNew,
    VariableOut,
)

ONE = enveloped(OneVariable)

router = router_of(f"{BASE}/variables")


@router.get("", response_model=enveloped(SomeVariables), openapi_extra=needs("variables.show"))
async def list_variables(call: Called) -> Response:
    """List all variables with their values, by key."""

    def seen(tx: Tx, _: Naming) -> SomeVariables:
        found = variables.page(tx, call.workspace_id, PER_WORKSPACE, "")
        some = [_shown(call, one).variable for one in sorted(found, key=lambda one: one.key)]
        whole = Pagination(page=1, limit=len(some), total=len(some), pages=min(1, len(some)))
        return SomeVariables(variables=some, pagination=whole)

    data = await call.read(seen)
    return answer(data, listed("variables", data.variables), call.at)


@router.post(
    "",
    response_model=ONE,
    status_code=201,
    openapi_extra=needs("variables.set") | takes(VariableNew),
)
async def make_variable(call: Called) -> Response:
    """Make a variable; 409 where there is one of its key."""
    body = await call.sent(VariableNew)

    def made(tx: Tx) -> OneVariable:
        if variables.exists(tx, call.workspace_id, body.key):
            raise Problem("conflict", f"Variable with key '{body.key}' already exists")
        return _put(tx, call, body.key, body.value, body.description or "")

    data = await call.write(made, body.key)
    return answer(data, "Variable created successfully", call.at, 201)


@router.get("/{name}", response_model=ONE, openapi_extra=needs("variables.show"))
async def show_variable(call: Called, name: str) -> Response:
    """Show a variable with its value."""
    data = await call.read(lambda tx, _: _shown(call, _found(tx, call, name)))
    return answer(data, "Variable retrieved successfully", call.at)


@router.put(
    "/{name}", response_model=ONE, openapi_extra=needs("variables.set") | takes(VariableChange)
)
async def change_variable(call: Called, name: str) -> Response:
    """Change a variable."""
    body = await call.sent(VariableChange)

    def changed(tx: Tx) -> OneVariable:
        variable = _found(tx, call, name)
        text = body.value
        if text is None:
            text = variables.value_of(call.services.vault, variable)
        said = "description" in body.model_fields_set
        description = (body.description or "") if said else None
        return _put(tx, call, variable.key, text, description)

    data = await call.write(changed, name)
    return answer(data, "Variable updated successfully", call.at)


@router.delete(
    "/{name}", response_model=enveloped(Nothing), openapi_extra=needs("variables.delete")
)
async def remove_variable(call: Called, name: str) -> Response:
    """Delete a variable."""

    def removed(tx: Tx) -> None:
        variables.remove(tx, call.workspace_id, _found(tx, call, name).key)

    await call.write(removed, name)
    return answer(Nothing(), "Variable deleted successfully", call.at)


def _found(tx: Tx, call: DialectCall, name: str) -> Variable:
    try:
        return variables.find(tx, call.workspace_id, name)
    except Problem:
        raise Problem("not_found", f"Variable with key {name[:100]} not found") from None


def _put(tx: Tx, call: DialectCall, key: str, text: str, description: str | None) -> OneVariable:
    vault, where = call.services.vault, call.workspace_id
    return _shown(call, variables.put(tx, vault, where, key, text, call.at, description))


def _shown(call: DialectCall, variable: Variable) -> OneVariable:
    value = variables.value_of(call.services.vault, variable)
    return OneVariable(variable=VariableOut.of(variable, value))
