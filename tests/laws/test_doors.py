"""Law: the ways out of the process are opened in the places named here, nowhere else."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.laws.house import Module, inside, module, modules, nothing


@dataclass(frozen=True, slots=True)
class Door:
    """A way out: what opens it, where that may stand."""

    what: str
    opened_by: str
    allowed_in: str


DOORS = (
    Door(
        "outbound connections",
        """pycurl smtplib ftplib http.client urllib.request httpx requests aiohttp
        asyncio.open_connection asyncio.open_unix_connection""",
        "dogwatch.egress dogwatch.cli.client",
    ),
    Door(
        "sockets",
        "socket ssl socketserver asyncio.start_server asyncio.start_unix_server",
        "dogwatch.egress dogwatch.cli.client dogwatch.boot dogwatch.web.edge",
    ),
    Door(
        "processes",
        """subprocess multiprocessing pty os.system os.popen os.fork os.posix_spawn os.execv
        os.execve os.execvp os.execvpe asyncio.create_subprocess_exec
        asyncio.create_subprocess_shell""",
        "dogwatch.runners.script dogwatch.runners.supervisor dogwatch.cli.wrap dogwatch.boot",
    ),
)

LOOP_METHODS = {
    "create_connection": DOORS[0],
    "sock_connect": DOORS[0],
    "create_server": DOORS[1],
    "subprocess_exec": DOORS[2],
    "subprocess_shell": DOORS[2],
}


def opened(source: Module) -> Iterator[tuple[Door, str]]:
    """Yield the doors that a module opens, and where: by an import, a call, a loop's method."""
    imported = sorted(source.imports())
    used = [(name, node.lineno) for name, node in source.uses() if "." in name]
    for door in DOORS:
        openers = tuple(door.opened_by.split())
        named = [(n, line) for n, line in imported if inside(n, openers)]
        named += [(n, line) for n, line in used if n in openers]
        named += [(n, line) for n, line in used if LOOP_METHODS.get(n.split(".")[-1]) == door]
        yield from ((door, f"{source.path}:{line}: {name}") for name, line in named)


def trespasses(source: Module) -> list[str]:
    """Return the doors that a module opens without being among the allowed places."""
    found = opened(source)
    strange = [(d, at) for d, at in found if not inside(source.name, tuple(d.allowed_in.split()))]
    return [f"{at} ({door.what})" for door, at in strange]


def test_doors_are_opened_in_their_places_only() -> None:
    nothing(trespass for m in modules("src") for trespass in trespasses(m))


def test_planted_doors_are_seen() -> None:
    text = """
import urllib.parse
import urllib.request
from os import environ, fork
async def f(loop):
    import subprocess
    await loop.create_connection(None)
"""
    found = trespasses(module("src/dogwatch/core/x.py", text))
    assert {t.split(": ")[1].split(" ")[0] for t in found} == {
        *("urllib.request", "os.fork", "subprocess", "loop.create_connection")
    }


def test_an_allowed_place_may_open_its_door() -> None:
    assert trespasses(module("src/dogwatch/egress.py", "import pycurl, socket")) == []
