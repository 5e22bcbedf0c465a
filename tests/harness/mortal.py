"""A server that is killed as it enters a system call, any number of calls after its start."""

import subprocess
from contextlib import suppress
from dataclasses import dataclass
from random import Random

from tests.harness.served import PROGRAM, Served

# What it enters between the steps that must hold: syncs and pages of SQLite, words to and from
# PostgreSQL, answers, requests of its own, and the start of a script.
CALLS = {
    "sqlite": {"fdatasync": 50, "pwrite64": 400, "write": 40, "connect": 5, "clone": 3},
    "postgresql": {"sendto": 60, "recvfrom": 80, "write": 40, "connect": 8, "clone": 3},
}


@dataclass(frozen=True, slots=True)
class Blow:
    """SIGKILL on entering the `number`th `call` of any thread (strace counts in each)."""

    call: str
    number: int

    @classmethod
    def drawn(cls, random: Random, kind: str) -> "Blow":
        """Return one of those for a kind of store."""
        call, most = random.choice(sorted(CALLS[kind].items()))
        return cls(call, random.randint(1, most))

    @property
    def before(self) -> tuple[str, ...]:
        """What to put before a command. It stays our own child; strace is a grandchild.

        No --seccomp-bpf: strace 6.1 injects nothing with it.
        """
        inject = f"inject={self.call}:signal=KILL:when={self.number}"
        return ("strace", "-D", "-f", "-qqq", "-o", "/dev/null",
                "-e", f"trace={self.call}", "-e", inject)  # fmt: skip


def live(server: Served, blow: Blow, within_s: float) -> bool:
    """Start a server and let it live until the blow; say whether it fell within the time.

    Otherwise, it is killed then. It may not even get as far as to be up.
    """
    server.program = (*blow.before, *PROGRAM)
    try:
        with suppress(AssertionError):
            server.start()
        assert server.process is not None
        with suppress(subprocess.TimeoutExpired):
            server.process.wait(within_s)
            return True
        return False
    finally:
        server.program = PROGRAM
        server.kill9()
