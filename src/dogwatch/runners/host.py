"""The server's own process as the host of scripts, which are other people's code; prctl(2)."""

import ctypes
import sys

_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36


def prepare() -> None:
    """Have orphans of a killed supervisor come to us, and close our memory to our scripts.

    A process that is not dumpable keeps /proc/PID/environ, mem and fd from others of its user,
    root excepted; it leaves no core dump either.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
