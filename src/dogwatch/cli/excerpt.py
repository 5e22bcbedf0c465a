"""The beginning and the end of an output of any length, in bounded memory."""

from threading import Lock

_GAP = "\n… {} bytes left out …\n"
_GAP_BYTES = 48


class Excerpt:
    """Keeps the first fifth and the last four fifths of `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._head_limit = limit // 5
        self._tail_limit = limit - self._head_limit - _GAP_BYTES
        self._head = bytearray()
        self._tail = bytearray()
        self._dropped = 0
        self._lock = Lock()

    def add(self, piece: bytes) -> None:
        """Take the next piece; several threads may."""
        with self._lock:
            room = self._head_limit - len(self._head)
            self._head += piece[:room]
            self._tail += piece[room:]
            extra = len(self._tail) - self._tail_limit
            if extra > 0:
                del self._tail[:extra]
                self._dropped += extra

    def text(self) -> str:
        """Return what was kept, at most `limit` bytes; invalid UTF-8 is replaced by `?`."""
        with self._lock:
            head, tail = bytes(self._head), bytes(self._tail)
            dropped = self._dropped
        if not dropped:
            return _decoded(head + tail)
        return _decoded(head) + _GAP.format(dropped) + _decoded(_from_character(tail))


def _from_character(piece: bytes) -> bytes:
    """Cut the rest of a character that the cut went through (at most 3 bytes, RFC 3629)."""
    start = next((i for i, byte in enumerate(piece[:4]) if byte & 0xC0 != 0x80), 0)
    return piece[start:]


def _decoded(piece: bytes) -> str:
    return piece.decode("utf-8", "replace").replace("\ufffd", "?")
