"""Which watches a rule or a window is for: as options, as it is sent, and in words."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import click

from dogwatch.cli.client import Api, slugs
from dogwatch.cli.session import joined

ALL_OF: Mapping[str, Any] = {"kind": "all", "values": []}
SCOPE = joined(
    click.option("--tag", "tags", multiple=True, help="Watches with one of these tags."),
    click.option("--project", "project", multiple=True, help="Watches of these projects."),
    click.option("--watch", "watches", multiple=True, help="These watches, by slug."),
)


def asked(given: Mapping[str, Any], otherwise: str = "") -> dict[str, Any] | None:
    """Return the scope that these options mean, if one is given; `otherwise`: a way to have two."""
    named = {kind: list(given[kind]) for kind in ("tags", "project", "watches") if given[kind]}
    if len(named) > 1:
        raise click.UsageError(f"Give --tag, --project or --watch, one of them{otherwise}.")
    return next(({"kind": kind, "values": values} for kind, values in named.items()), None)


def scopes(api: Api, found: Iterable[Mapping[str, Any]]) -> Callable[[Mapping[str, Any]], str]:
    """Return what tells which watches a rule or a window is for; watches by their slugs."""
    named = [one["scope"]["values"] for one in found if one["scope"]["kind"] == "watches"]
    known = slugs(api, [{"watch_id": one} for values in named for one in values])

    def told(one: Mapping[str, Any]) -> str:
        kind, values = one["scope"]["kind"], one["scope"]["values"]
        shown = ", ".join(known.get(value, value) for value in values)
        return "all watches" if kind == "all" else f"{kind} {shown}"

    return told
