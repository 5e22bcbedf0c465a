"""Frames between the server and the programs that start runs, which import this and nothing else.

The length in four bytes, big-endian, then JSON; open files come with the length.
"""

import errno
import json
import os
import socket
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

LENGTH = struct.Struct("!I")
MOST_FILES = 32


def served(serve: "Callable[[socket.socket], None]") -> None:
    """Serve standard input as the control socket, until the server has ended.

    The low numbers stay taken, so that what comes with a frame never stands where it has to go.
    """
    nothing = os.open(os.devnull, os.O_RDWR)
    while os.dup(nothing) < MOST_FILES:
        pass
    control = socket.socket(fileno=os.dup(0))
    os.dup2(nothing, 0)
    try:
        serve(control)
    except OSError as fault:
        if fault.errno not in {errno.EPIPE, errno.ECONNRESET}:
            raise


def received(control: socket.socket) -> "tuple[dict[str, Any] | None, list[int]]":
    """Return what the next frame says, None at the end, and its files, closed on exec."""
    room = socket.CMSG_SPACE(MOST_FILES * 4)
    head, extras, _, _ = control.recvmsg(
        LENGTH.size, room, socket.MSG_CMSG_CLOEXEC | socket.MSG_WAITALL
    )
    files = [
        fd
        for level, kind, data in extras
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
        for (fd,) in struct.iter_unpack("i", data[: len(data) // 4 * 4])
    ]
    if len(head) < LENGTH.size:
        return None, files
    return json.loads(control.recv(LENGTH.unpack(head)[0], socket.MSG_WAITALL)), files


def say(control: socket.socket, files: "Sequence[int]" = (), /, **frame: "Any") -> None:
    """Send a frame, whole or not at all (a small one never goes in parts), with open files."""
    body = json.dumps(frame).encode()
    socket.send_fds(control, [LENGTH.pack(len(body)), body], files)
