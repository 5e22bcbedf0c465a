"""Frames between the server and the programs that start runs, which import this and nothing else.

The length in four bytes, big-endian, then JSON; open files come with the length.
"""

import json
import socket
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

LENGTH = struct.Struct("!I")
MOST_FILES = 32


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
