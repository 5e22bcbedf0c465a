"""The listeners of this process that want to hear that something was committed."""

import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Final

ALL_TOPICS: Final = frozenset({"*"})
"""Told when notifications may have been missed: everything could have changed."""

SESSIONS: Final = "sessions"
"""Told when somebody may have been signed out, or may see less than before."""


def page_of(workspace_id: int | None) -> str:
    """Return what is told when something changed that people of a workspace look at: a state, a
    run, an answer to an alert, or what somebody did; None is the whole instance."""
    return "page" if workspace_id is None else f"page.{workspace_id}"


Listener = Callable[[frozenset[str]], None]

_log = logging.getLogger(__name__)


def guarded(fn: Callable[[], None]) -> None:
    """Call `fn`; its error is logged, since what it follows is already committed."""
    try:
        fn()
    except Exception:
        _log.exception("after a commit, %r failed", fn)


class Wakes:
    """The subscriptions of one `Database`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: tuple[Listener, ...] = ()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Add `listener`; the returned function takes it out again."""
        with self._lock:
            self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            with self._lock:
                self._listeners = tuple(one for one in self._listeners if one is not listener)

        return unsubscribe

    def tell(self, topics: frozenset[str]) -> None:
        """Call every listener with `topics`, in this thread."""
        for listener in self._listeners:
            guarded(partial(listener, topics))
