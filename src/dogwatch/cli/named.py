"""Things that people call by a name, and the API by an id."""

import re
from collections.abc import Mapping
from typing import Any

from dogwatch.cli.client import Api
from dogwatch.core.problems import Problem


def named(api: Api, noun: str, name: str) -> dict[str, Any]:
    """Return the channel or the maintenance window with this id, else with this name."""
    every = api.pages(f"/{_LISTS[noun]}")
    found = [one for one in every if name == one["id"]]
    found = found or [one for one in every if name == one["name"]]
    if len(found) == 1:
        return dict(found[0])
    see = f"`dogwatch {noun} ls`"
    if found:
        told = f"{len(found)} are named {name!r}; give the id of one, which {see} shows"
        raise Problem("conflict", told)
    raise Problem("not_found", f"there is no {noun} {name!r}; see {see}")


def send_as(
    api: Api, method: str, path: str, asked: Mapping[str, Any], options: Mapping[str, str]
) -> Any:
    """Send what was asked; what is wrong with a field is told of the option that it came from."""
    try:
        return api.send(method, path, asked)
    except Problem as problem:
        names = "|".join(map(re.escape, options))
        field = re.compile(rf"(?:window\.)?\b({names})\b(?=[:;,]| and | or |$)", re.MULTILINE)
        told = field.sub(lambda found: options[found[1]], problem.message)
        raise Problem(problem.kind, told, problem.fields) from None


_LISTS = {"channel": "channels", "maintenance": "maintenance"}
