"""Law: the ways out of the process are opened in the places named here, nowhere else."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter

from tests.laws.house import Module, inside, module, modules, nothing


@dataclass(frozen=True, slots=True)
class Door:
    """A way out: the modules and the calls that open it, and where they may stand."""

    what: str
    modules: str
    calls: str
    allowed_in: str


# A socket pair, a socket that egress connected, or `ssl` around it open nothing.
DOORS = (
    Door(
        "outbound connections",
        "pycurl http.client urllib.request ftplib httpx requests aiohttp",
        """socket.socket socket.create_connection socket.getaddrinfo
        asyncio.open_connection asyncio.open_unix_connection
        *.create_connection *.sock_connect *.getaddrinfo""",
        # Scripts reach the socket of their run by `clients`; `helpers` binds it. The fork server
        # hands the launcher its ends of sockets, one of which listens inside a sandbox.
        """dogwatch.egress dogwatch.cli.client dogwatch.runners.clients dogwatch.runners.helpers
        dogwatch.runners.frames dogwatch.runners.forkserver dogwatch.runners.cells
        dogwatch.runners.launcher""",
    ),
    Door("mail", "smtplib", "", "dogwatch.egress dogwatch.notify.smtp"),
    Door(
        "listeners",
        "socketserver http.server",
        """socket.create_server asyncio.start_server asyncio.start_unix_server
        *.create_server *.create_unix_server""",
        # A socket of one run, in its own directory.
        "dogwatch.boot dogwatch.web.edge dogwatch.runners.helpers",
    ),
    Door(
        "processes",
        "subprocess multiprocessing pty",
        """os.system os.popen os.fork os.posix_spawn os.execv os.execve os.execvp os.execvpe
        asyncio.create_subprocess_exec asyncio.create_subprocess_shell
        *.subprocess_exec *.subprocess_shell""",
        """dogwatch.runners.script dogwatch.runners.supervisor dogwatch.runners.tree
        dogwatch.runners.around dogwatch.runners.forkserver dogwatch.runners.cells
        dogwatch.runners.launcher
        dogwatch.cli.wrap dogwatch.cli.child dogwatch.boot""",
    ),
)


def calls(source: Module) -> Iterator[tuple[str, int]]:
    """Yield every called name, spelled from its import, and `*.method` for each method."""
    called = {id(node.func) for node in ast.walk(source.tree) if isinstance(node, ast.Call)}
    for name, node in source.uses():
        if id(node) in called:
            yield name, node.lineno
            yield f"*.{name.rpartition('.')[2]}", node.lineno


def opened(source: Module) -> Iterator[tuple[Door, str]]:
    """Yield the doors that a module opens, and where."""
    imported, called = list(source.imports()), list(calls(source))
    for door in DOORS:
        by_import = {at for at in imported if inside(at[0], tuple(door.modules.split()))}
        by_call = {at for at in called if at[0] in door.calls.split()}
        for name, line in sorted(by_import | by_call, key=itemgetter(1)):
            yield door, f"{source.path}:{line}: {name}"


def trespasses(source: Module) -> list[str]:
    """Return the doors that a module opens without being among the allowed places."""
    found = opened(source)
    strange = [(d, at) for d, at in found if not inside(source.name, tuple(d.allowed_in.split()))]
    return [f"{at} ({door.what})" for door, at in strange]


def test_doors_are_opened_in_their_places_only() -> None:
    nothing(trespass for m in modules("src") for trespass in trespasses(m))


def test_planted_doors_are_seen() -> None:
    text = """
import socket, urllib.parse
import urllib.request
from os import environ, fork
async def f(loop):
    import subprocess
    await loop.create_connection(None)
    fork()
    socket.socket()
"""
    found = trespasses(module("src/dogwatch/core/x.py", text))
    names = {trespass.split(": ")[1].split(" ")[0] for trespass in found}
    assert names == {"urllib.request", "subprocess", "*.create_connection", "os.fork"} | {
        "socket.socket"
    }


def test_what_opens_nothing_is_free() -> None:
    text = "import socket\ndef f(s: socket.socket) -> None:\n    socket.socketpair()\n"
    assert trespasses(module("src/dogwatch/store/x.py", text)) == []


def test_an_allowed_place_may_open_its_door() -> None:
    text = "import pycurl, socket\nsocket.socket()\n"
    assert trespasses(module("src/dogwatch/egress.py", text)) == []
