"""What a command's wrapper waits for."""

import signal

from dogwatch.cli.child import Bell, Child, Ending


def test_a_signal_before_the_wait_ends_it() -> None:
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        bell = Bell()
        with bell:
            signal.raise_signal(signal.SIGUSR1)
            bell.wait()
        assert signal.set_wakeup_fd(-1) == -1
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_the_status_is_known_where_ended_children_are_ignored() -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        child = Child(["sh", "-c", "exit 3"], None, None)
        with child.signals():
            assert child.run() == Ending(3)
        assert signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGCHLD, before)
