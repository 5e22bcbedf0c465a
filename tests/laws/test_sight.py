"""Law: a door opens the store on one workspace, but for the places named here."""

import ast
from collections.abc import Iterator

from tests.laws.house import Module, inside, module, modules, nothing

# They come before a workspace is known, or belong to the instance.
ACROSS = (
    "dogwatch.web.dashboard.system",
    "dogwatch.web.dashboard.visit",
    "dogwatch.web.dialects.cronbeats.pings",
    "dogwatch.web.dialects.healthchecks.pings",
    "dogwatch.web.health",
    "dogwatch.web.hooks",
    "dogwatch.web.metrics",
)


def unbounded(source: Module) -> Iterator[str]:
    """Yield the calls of a door that name no workspace."""
    for node in ast.walk(source.tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="aread" | "awrite" as verb)):
                if len(node.args) + len(node.keywords) < 2:
                    yield f"{source.path}:{node.lineno}: {verb} sees every workspace"


def test_the_web_opens_the_store_on_one_workspace() -> None:
    web = [one for one in modules("src") if inside(one.name, ("dogwatch.web",))]
    nothing(call for one in web if one.name not in ACROSS for call in unbounded(one))


def test_a_planted_call_is_seen() -> None:
    text = """
async def f(door):
    await door.aread(lambda tx: 1)
    await door.awrite(lambda tx: 1, 7)
    await door.aread(fn, workspace_id=7)
"""
    found = list(unbounded(module("src/dogwatch/web/x.py", text)))
    assert [one.split(": ")[0] for one in found] == ["src/dogwatch/web/x.py:3"]


def test_the_places_named_are_there() -> None:
    names = {one.name for one in modules("src")}
    assert names >= set(ACROSS)
