"""/rules: which events of which watches go to which channel."""

from fastapi import Response

from dogwatch.usecases import rules
from dogwatch.usecases.door import Tx
from dogwatch.web.api.asked import RuleNew
from dogwatch.web.api.auth import needs, resource
from dogwatch.web.api.call import Called, Id
from dogwatch.web.api.pages import Paged
from dogwatch.web.api.wire import PageOf, RuleOut

router = resource("rules")


@router.get("", response_model=PageOf[RuleOut], **needs("rules.list"))
async def list_rules(call: Called, page: Paged) -> Response:
    """List rules, oldest first."""
    found = await call.read(
        lambda tx: rules.rule_page(tx, call.workspace_id, page.size, page.after)
    )
    return page.answer(found, lambda one: RuleOut.of(*one), lambda one: one[0].id)


@router.post("", response_model=RuleOut, status_code=201, **needs("rules.make"))
async def make_rule(call: Called, body: RuleNew) -> Response:
    """Make a rule."""

    def made(tx: Tx) -> RuleOut:
        rule = rules.add_rule(tx, call.workspace_id, body.rule(), call.at)
        return RuleOut.of(rule, call.at)

    return await call.post(201, made)


@router.delete("/{name}", status_code=204, **needs("rules.delete"))
async def remove_rule(call: Called, name: Id) -> Response:
    """Delete a rule."""
    await call.write(lambda tx: rules.remove_rule(tx, call.workspace_id, name, call.at))
    return Response(status_code=204)
