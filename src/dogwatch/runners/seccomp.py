"""The system calls that no sandboxed script makes, as a program for the kernel: seccomp(2).

Namespaces and dropped capabilities do the work; this closes doors that they leave: kernel parts
with a long record of faults, new namespaces, socket families that no namespace holds (vsock), and
what one sandbox would take from the others.
Refused calls fail as if the kernel lacked them, so that programs go another way.
"""

import errno
import platform
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCH, FIRST_ARGUMENT, SECOND_ARGUMENT = 0, 4, 16, 24  # offsets in struct seccomp_data
KILL, ALLOW, ERRNO = 0x80000000, 0x7FFF0000, 0x00050000
X32 = 0x40000000
NEW_NAMESPACES = 0x7E020000  # all CLONE_NEW… flags of clone(2)
FAMILIES = (1, 2, 10, 16)  # unix, IPv4, IPv6, netlink

# By the names of the manual, which has them in section 2.
_EVERYWHERE = {
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "open_tree": 428,
    "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433,
    "pidfd_getfd": 438, "mount_setattr": 442,
}  # fmt: skip
CLONE3 = 435
F_SETPIPE_SZ = 1031  # the memory of pipes is counted by user, whom all sandboxes share


@dataclass(frozen=True, slots=True)
class _Machine:
    """The numbers of one architecture: AUDIT_ARCH_…, and of system calls."""

    arch: int
    clone: int
    socket: int
    fcntl: int
    refused: Mapping[str, int]


MACHINES = {
    "x86_64": _Machine(0xC000003E, 56, 41, 72, {
        "syslog": 103, "pivot_root": 155, "mount": 165, "umount2": 166, "iopl": 172,
        "ioperm": 173, "init_module": 175, "delete_module": 176, "kexec_load": 246,
        "add_key": 248, "request_key": 249, "keyctl": 250, "unshare": 272,
        "perf_event_open": 298, "fanotify_init": 300, "open_by_handle_at": 304, "setns": 308,
        "finit_module": 313, "kexec_file_load": 320, "bpf": 321, "userfaultfd": 323,
    }),
    "aarch64": _Machine(0xC00000B7, 220, 198, 25, {
        "umount2": 39, "mount": 40, "pivot_root": 41, "unshare": 97, "kexec_load": 104,
        "init_module": 105, "delete_module": 106, "syslog": 116, "add_key": 217,
        "request_key": 218, "keyctl": 219, "perf_event_open": 241, "fanotify_init": 262,
        "open_by_handle_at": 265, "setns": 268, "finit_module": 273, "bpf": 280, "userfaultfd": 282,
        "kexec_file_load": 294,
    }),
}  # fmt: skip


@cache
def program(machine: str = platform.machine()) -> bytes:
    """Return the filter as an array of struct sock_filter; empty for machines not known here."""
    known = MACHINES.get(machine)
    if known is None:
        return b""
    lines = [_line(LOAD, ARCH), _line(EQUAL, known.arch, no=0, yes=1), _line(RETURN, KILL)]
    lines += [_line(LOAD, NUMBER), *_when(AT_LEAST, X32, errno.ENOSYS)]
    lines += _when(EQUAL, CLONE3, errno.ENOSYS)  # its flags cannot be seen; libc takes clone then
    for number in (*known.refused.values(), *_EVERYWHERE.values()):
        lines += _when(EQUAL, number, errno.EPERM)
    lines += _inside(known.clone, _when(ANY_BIT, NEW_NAMESPACES, errno.EPERM))
    lines += _inside(known.fcntl, _when(EQUAL, F_SETPIPE_SZ, errno.EPERM), SECOND_ARGUMENT)
    families = [_line(EQUAL, family, yes=len(FAMILIES) - n) for n, family in enumerate(FAMILIES)]
    refusal = _line(RETURN, ERRNO | errno.EAFNOSUPPORT)
    lines += _inside(known.socket, [*families, refusal])
    return b"".join([*lines, _line(RETURN, ALLOW)])


def _line(code: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    """Return one instruction; `yes` and `no` say how many lines a comparison then skips."""
    return struct.pack("=HBBI", code, yes, no, value)


def _when(comparison: int, value: int, fault: int) -> list[bytes]:
    return [_line(comparison, value, no=1), _line(RETURN, ERRNO | fault)]


def _inside(number: int, lines: list[bytes], argument: int = FIRST_ARGUMENT) -> list[bytes]:
    """Judge an argument of one system call, and allow it after the lines."""
    judged = [_line(LOAD, argument), *lines, _line(RETURN, ALLOW)]
    return [_line(EQUAL, number, no=len(judged)), *judged]
