"""The output of a run on its way out, without the secret values of the run."""

from collections.abc import Callable, Iterable

from dogwatch.core.masking import Masker

Sink = Callable[[str, bytes], None]


class Masked:
    """Hands each stream on, masked; `close` hands on what was held back."""

    def __init__(self, sink: Sink, secrets: Iterable[str] = ()) -> None:
        self._sink = sink
        known = list(secrets)
        self._maskers = {name: Masker(known) for name in ("stdout", "stderr")}

    def hide(self, secret: str) -> None:
        """Mask one more value from now on."""
        for masker in self._maskers.values():
            masker.add(secret)

    def add(self, stream: str, chunk: bytes) -> None:
        """Take the next bytes of a stream."""
        self._tell(stream, self._maskers[stream].feed(chunk))

    def close(self) -> None:
        """Hand on what waited, once no more will come."""
        for stream, masker in self._maskers.items():
            self._tell(stream, masker.end())

    def _tell(self, stream: str, text: bytes) -> None:
        if text:
            self._sink(stream, text)
