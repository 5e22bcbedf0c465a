"""Something that goes on in a thread of its own inside a block."""

import threading
from abc import abstractmethod
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Self


@dataclass(slots=True)
class Beside(AbstractContextManager["Beside"]):
    """Runs `_run` until the block ends, which sets `_stop`."""

    _stop: threading.Event = field(default_factory=threading.Event, kw_only=True)
    _thread: threading.Thread | None = field(default=None, kw_only=True)

    @abstractmethod
    def _run(self) -> None:
        """Work until `_stop` is set."""

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        assert self._thread is not None
        self._thread.join()
