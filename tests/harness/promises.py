"""What a server promised its clients, read from the system calls on its sockets."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tests.harness.syscalls import STREAMS, Call

_PING = re.compile(rb"^(?:GET|POST|HEAD) /ping/\S*[?&]rid=([\w-]+)")
_STATUS = re.compile(rb"^HTTP/1\.1 (\d+)")


@dataclass(frozen=True, slots=True)
class Promise:
    """A ping that was acknowledged: the first byte of its answer left at `place`."""

    rid: str
    place: int


def promises(calls: Sequence[Call]) -> list[Promise]:
    """Return the 2xx answers to pings with a rid, in the order in which they left."""
    asked: dict[str, str] = {}
    found = []
    for call in calls:
        if call.name not in STREAMS or not call.file.startswith("socket:"):
            continue
        if ping := _PING.match(call.data):
            asked[call.file] = ping[1].decode()
        elif (status := _STATUS.match(call.data)) and call.file in asked:
            rid = asked.pop(call.file)
            found += [Promise(rid, call.begun)] if status[1].startswith(b"2") else []
    return found
