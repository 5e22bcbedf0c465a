"""Badges: how the checks of a tag are, for pages that show it to everybody.

Their addresses hold a proof, so that nobody learns of a workspace whose badge he was not given.
"""

import hmac
import json
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from fastapi import Request, Response
from markupsafe import Markup

from dogwatch.core.plain import whole_number
from dogwatch.core.watch import Status, phase
from dogwatch.usecases import lists, numbered
from dogwatch.usecases.door import Tx
from dogwatch.usecases.lists import Record
from dogwatch.vault import Vault
from dogwatch.web.page import Endpoint
from dogwatch.web.services import Services

FORMS = {"svg": "svg", "svg3": "svg", "json": "json", "json3": "json", "shields": "shields",
         "shields3": "shields"}  # fmt: skip
_COLOURS = {"up": "#4c1", "late": "#fe7d37", "down": "#e05d44"}
_SHIELDS = {"up": "success", "late": "important", "down": "critical"}
MOST = 100_000
# What stands before the slug of a check in the place of a tag.
CHECK = "check:"
_LETTER, _PAD = 7, 10
_SVG = Markup(
    '<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="20" role="img"'
    ' aria-label="{label}: {status}"><title>{label}: {status}</title>'
    '<rect width="{w}" height="20" rx="3" fill="#555"/>'
    '<rect x="{a}" width="{b}" height="20" rx="3" fill="{colour}"/>'
    '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11"'
    ' text-anchor="middle"><text x="{ta}" y="14">{label}</text>'
    '<text x="{tb}" y="14">{status}</text></g></svg>'
)


def addresses(origin: str, workspace_id: int, tag: str, vault: Vault) -> dict[str, str]:
    """Return the addresses of the badges of a tag, or of `*`, which is all checks."""
    proof = _proof(vault, workspace_id, tag)
    shown = "" if tag == "*" else f"/{quote(tag, safe='')}"
    found = {}
    for name, form in FORMS.items():
        three = "-3" if name.endswith("3") else "-2"
        ending = "shields" if form == "shields" else form
        found[name] = f"{origin}/badge/{workspace_id}/{proof}{three}{shown}.{ending}"
    return found


def _proof(vault: Vault, workspace_id: int, what: str) -> str:
    return vault.keyed_hash(f"{workspace_id}:{what}", "badge").hex()[:32]


def _tagged(tx: Tx, workspace_id: int, tag: str) -> tuple[str, Sequence[Record]]:
    """Return what a badge is labelled with, and its checks."""
    page = numbered.kept_page(
        tx, workspace_id, 1, MOST,
        lambda one: tag in ("*", CHECK + one.slug) or tag in one.tags,
    )  # fmt: skip
    if tag.startswith(CHECK):
        tag = page.items[0].name if page.items else tag
    return (lists.workspace(tx, workspace_id).name if tag == "*" else tag), page.items


async def of_tag(request: Request) -> Response:
    """Show the badge of a tag, or of all checks."""
    services: Services = request.app.state.services
    given = request.path_params
    workspace_id = whole_number(given["workspace_id"], 15) or 0
    rest, dot, ending = given["rest"].rpartition(".")
    proof, _, tag = rest.partition("/")
    proof, _, states = proof.rpartition("-")
    tag = tag or "*"
    right = _proof(services.vault, workspace_id, tag)
    proven = hmac.compare_digest(right.encode(), proof.encode())
    if not dot or ending not in FORMS.values() or not proven:
        return Response('{"error": "not found"}', 404, media_type="application/json")
    label, records = await services.door.aread(
        lambda tx: _tagged(tx, workspace_id, tag), workspace_id
    )
    phases = [phase(record.watch, services.clock.now()) for record in records]
    counts = {"total": len(phases), "grace": phases.count("late"), "down": phases.count("down")}
    status = worst(phases)
    return _answer(ending, label, "up" if (status, states) == ("late", "2") else status, counts)


def worst(phases: Sequence[str]) -> str:
    """Return what a badge says of many checks."""
    if Status.DOWN in phases:
        return "down"
    return "late" if "late" in phases else "up"


def _answer(ending: str, label: str, status: str, counts: Mapping[str, int]) -> Response:
    headers = {"Cache-Control": "no-cache", "Access-Control-Allow-Origin": "*"}
    if ending == "svg":
        return Response(drawn(label, status), 200, headers, "image/svg+xml")
    said: Mapping[str, object] = {"status": status, **counts}
    if ending == "shields":
        said = {
            "schemaVersion": 1, "label": label, "message": status, "color": _SHIELDS[status],
        }  # fmt: skip
    return Response(json.dumps(said), 200, headers, "application/json")


def drawn(label: str, status: str) -> str:
    """Return a badge."""
    a, b = (len(text) * _LETTER + _PAD for text in (label, status))
    return _SVG.format(
        w=a + b, a=a, b=b, ta=a / 2, tb=a + b / 2, label=label, status=status,
        colour=_COLOURS[status],
    )  # fmt: skip


PUBLIC: dict[str, Endpoint] = {"/badge/{workspace_id}/{rest:path}": of_tag}
