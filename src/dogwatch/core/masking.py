"""Secret values taken out of a stream of bytes, as they are and in their usual encodings."""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from urllib.parse import quote, quote_plus

MASK = b"***"
# What is shorter stands in too many words that are no secret.
SHORTEST = 6


def forms(secret: str) -> frozenset[bytes]:
    """Return a secret as it may be printed: as is, as JSON, URL-encoded, in hex, in base64.

    Empty for one that is too short. A secret of several lines is found line by line, too.
    """
    whole = secret.strip()
    parts = {whole, *(line.strip() for line in whole.splitlines())}
    return frozenset(
        form
        for part in parts
        if len(part) >= SHORTEST
        for form in _forms(part)
        if len(form) >= SHORTEST
    )


def _forms(text: str) -> Iterator[bytes]:
    plain = text.encode(errors="replace")
    yield plain
    yield json.dumps(text)[1:-1].encode()
    yield json.dumps(text, ensure_ascii=False)[1:-1].encode(errors="replace")
    yield plain.hex().encode()
    yield from _url_encoded(text)
    for shift in range(3):
        yield from _base64(plain, shift)


def _url_encoded(text: str) -> Iterator[bytes]:
    # The last is encodeURIComponent of ECMAScript.
    for safe in ("", "/", "!'()*"):
        encoded = quote(text, safe=safe, errors="replace")
        yield encoded.encode()
        yield re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), encoded).encode()
    yield quote_plus(text, errors="replace").encode()


def _base64(plain: bytes, shift: int) -> Iterator[bytes]:
    """Yield the letters that hold nothing but bits of the secret, `shift` bytes into a text."""
    first, end = -(-8 * shift // 6), 8 * (shift + len(plain)) // 6
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(b"\0" * shift + plain)[first:end]


class Masker:
    """Masks one stream, whatever the pieces it comes in; what may begin a secret waits.

    Secrets may be added at any time, and hold from the next piece on.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: list[bytes] = []
        self._held = b""
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Mask one more secret from now on."""
        new = forms(secret) - set(self._forms)
        if new:
            self._forms = sorted({*self._forms, *new}, key=len, reverse=True)

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes; return those that can be told."""
        if not self._forms:
            return chunk
        text = self._held + chunk
        told, self._held = self._parted(text, self._begun(text, 0))
        return told

    def end(self) -> bytes:
        """Return what waited, once no more will come."""
        told, _ = self._parted(self._held, len(self._held))
        self._held = b""
        return told

    def _parted(self, text: bytes, cut: int) -> tuple[bytes, bytes]:
        """Return what can be told, masked, and what waits: from `cut` on a secret may begin."""
        present = tuple(form for form in self._forms if form in text)
        if not present:
            return text[:cut], text[cut:]
        told, at, whole, search = bytearray(), 0, cut == len(text), _pattern(present).search
        while (found := search(text, at)) and found.start() < cut:
            told += text[at : found.start()] + MASK
            at = found.end()
            if at > cut:
                cut = len(text) if whole else self._begun(text, at)
        told += text[at:cut]
        return bytes(told), text[max(at, cut) :]

    def _begun(self, text: bytes, at: int) -> int:
        """Return where, from `at` on, the end of the text may be the beginning of a secret."""
        return min((_overlap(text, form, at) for form in self._forms), default=len(text))


@lru_cache(maxsize=16)
def _pattern(longest_first: tuple[bytes, ...]) -> re.Pattern[bytes]:
    return re.compile(b"|".join(map(re.escape, longest_first)))


def _overlap(text: bytes, form: bytes, least: int) -> int:
    """Return from where on the text is a beginning of the form; its length where it is none."""
    at = max(len(text) - len(form) + 1, least)
    while (at := text.find(form[:1], at)) >= 0:
        if form.startswith(text[at:]):
            return at
        at += 1
    return len(text)
