"""The head and the tail of an output that may have any length."""


class Tail:
    """Keeps the first and the last half of `cap` bytes and counts what fell out between them.

    `cap` in bytes, at least 2. Never holds more than 1.5 times the cap.
    """

    __slots__ = ("_cap_head", "_cap_tail", "_head", "_tail", "total")

    def __init__(self, cap: int) -> None:
        self._cap_head = cap // 2
        self._cap_tail = cap - cap // 2
        self._head = bytearray()
        self._tail = bytearray()
        self.total = 0

    def add(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self.total += len(chunk)
        room = self._cap_head - len(self._head)
        if room > 0:
            self._head += chunk[:room]
            chunk = chunk[room:]
        self._tail += chunk[-self._cap_tail :]
        if len(self._tail) >= 2 * self._cap_tail:  # in steps, so that a flood stays cheap
            del self._tail[: -self._cap_tail]

    @property
    def head(self) -> bytes:
        """The first bytes."""
        return bytes(self._head)

    @property
    def tail(self) -> bytes:
        """The last bytes; head + tail is the whole output when nothing was dropped."""
        return bytes(self._tail[-self._cap_tail :])

    @property
    def dropped(self) -> int:
        """How many bytes between head and tail were not kept."""
        return self.total - len(self._head) - min(len(self._tail), self._cap_tail)

    def text(self) -> str:
        """Return what was kept as text, the gap named in between, invalid UTF-8 replaced."""
        if not self.dropped:
            return (self.head + self.tail).decode(errors="replace")
        head = self.head.decode(errors="replace")
        tail = self.tail.decode(errors="replace")
        return f"{head}\n[… {self.dropped} bytes dropped …]\n{tail}"
