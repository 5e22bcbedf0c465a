"""Gives every Python script the helpers; imported by way of PYTHONPATH. See `helpers.py` for what
is said.

It runs in whatever Python a job names, so it depends on little, and imports when first used.
"""

import builtins
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from socket import socket
    from typing import Any


class HelperError(RuntimeError):
    """Dogwatch refuses what a script asks for."""


class _Line:
    """A connection to Dogwatch; each process has its own."""

    def __init__(self) -> None:
        self._pid = 0
        self._socket: socket | None = None
        self._lock: Any = None

    def ask(self, *fields: str) -> "tuple[str, str]":
        """Return the kind of the answer and its text."""
        parts = [_bytes(field) for field in (os.environ.get("DOGWATCH_TOKEN", ""), *fields)]
        head = " ".join([str(len(part)) for part in parts])
        connected = self._connected()
        with self._lock:
            connected.sendall(b"".join([head.encode(), b"\n", *parts]))
            kind, length = self._line(connected).split(" ")
            body = self._exactly(connected, int(length)).decode()
        if kind == "error":
            raise HelperError(body)
        return kind, body

    def _connected(self) -> "socket":
        if self._socket is None or self._pid != os.getpid():
            import threading

            self._lock = threading.Lock()
            self._socket, self._pid = _connect(), os.getpid()
        return self._socket

    def _line(self, connected: "socket") -> str:
        line = b""
        while not line.endswith(b"\n"):
            line += self._exactly(connected, 1)
        return line.decode().strip()

    def _exactly(self, connected: "socket", count: int) -> bytes:
        pieces = []
        while count:
            piece = connected.recv(count)
            if not piece:
                self._socket = None
                raise HelperError("Dogwatch answers this run no more")
            pieces.append(piece)
            count -= len(piece)
        return b"".join(pieces)


def _bytes(field: str) -> bytes:
    try:
        return field.encode()
    except UnicodeEncodeError:
        raise HelperError("must be text in UTF-8") from None


def _connect() -> "socket":
    """Connect by way of the directory: its path may be longer than a socket's may be."""
    import socket

    place = os.environ.get("DOGWATCH_HELPERS")
    if not place:
        raise HelperError("helpers work in runs of Dogwatch only")
    directory = os.open(place, os.O_RDONLY)
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connected.connect(f"/proc/self/fd/{directory}/socket")
    finally:
        os.close(directory)
    return connected


class Helpers:
    """What a script has as `cronium` and as `dogwatch`."""

    HelperError = HelperError

    def __init__(self) -> None:
        self._line = _Line()

    def _ask(self, *fields: str) -> "Any":
        kind, body = self._line.ask(*fields)
        if kind == "none":
            return None
        if kind == "text":
            return body
        import json

        return json.loads(body)

    def input(self) -> "Any":
        """Return the input of the run, `{}` without one."""
        return self._ask("input")

    def event(self) -> "Any":
        """Return what there is to know of the job and the run."""
        return self._ask("event")

    def output(self, value: "Any") -> None:
        """Hand on a value that JSON can hold."""
        self._ask("output", _json(value))

    def getVariable(self, key: str) -> "str | None":  # noqa: N802  (the name that scripts use)
        """Return the value of a variable, None where there is none."""
        found: str | None = self._ask("getVariable", str(key))
        return found

    def setVariable(self, key: str, value: "Any") -> bool:  # noqa: N802  (as above)
        """Set a variable; what is no text is kept as JSON."""
        self._ask("setVariable", str(key), value if isinstance(value, str) else _json(value))
        return True

    def getCondition(self) -> "bool | None":  # noqa: N802  (as above)
        """Return the condition that this run has set, None before."""
        met: bool | None = self._ask("getCondition")
        return met

    def setCondition(self, value: object) -> bool:  # noqa: N802  (as above)
        """Set the condition of the run to whether the value is true."""
        self._ask("setCondition", "true" if value else "false")
        return bool(value)

    get_variable = getVariable
    set_variable = setVariable
    get_condition = getCondition
    set_condition = setCondition


def _json(value: "Any") -> str:
    import json

    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as fault:
        raise HelperError(f"cannot be written as JSON: {fault}") from None


def _install() -> None:
    """Put the helpers in place, and let a `sitecustomize` of the machine have its turn."""
    helpers = Helpers()
    for name in ("cronium", "dogwatch"):
        setattr(builtins, name, helpers)
    here, ours = os.path.dirname(os.path.abspath(__file__)), sys.modules.pop(__name__)  # noqa: PTH100, PTH120  (quicker)
    sys.path[:] = [place for place in sys.path if os.path.abspath(place) != here]  # noqa: PTH100  (quicker)
    try:
        __import__(__name__)
    except ImportError:
        sys.modules[__name__] = ours
    finally:
        sys.path.append(here)


if __name__ == "sitecustomize":
    _install()
