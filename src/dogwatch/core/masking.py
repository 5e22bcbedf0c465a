"""Secret values taken out of what is told, as they are and in their usual encodings."""

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from urllib.parse import quote, quote_plus

MASK = b"***"
# What is shorter stands in too many words that are no secret.
SHORTEST = 6
_OF_NUMBERS = frozenset("0123456789.eE+-")


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


def without(text: str, secrets: Iterable[str]) -> str:
    """Return a text without these secrets."""
    masker = Masker(secrets)
    return (masker.feed(text.encode(errors="replace")) + masker.end()).decode()


def json_without(text: str, secrets: Iterable[str]) -> str:
    """Return JSON text without these secrets, which still is JSON; itself if it holds none.

    A number that holds one becomes text; what is no JSON any more is masked as a whole.
    """
    known = list(secrets)
    told = without(_plain(text, _numbers(known)), known)
    if told == _plain(text):
        return text
    try:
        json.loads(told)
    except ValueError:  # the secret was a piece of JSON itself
        return json.dumps(MASK.decode())
    return told


def hidden(text: str, masked: str) -> list[str]:
    """Return what was masked in JSON text, as far as that can be told from what was left."""
    whole, (first, *parts) = _plain(text), _plain(masked).split(MASK.decode())
    if not whole.startswith(first):
        return []
    found, at = [], len(first)
    for part in parts:
        end = whole.find(part, at + 1) if part else len(whole)
        if end < 0:
            break
        found.append(_unescaped(whole[at:end]))
        at = end + len(part)
    return found


def _unescaped(piece: str) -> str:
    try:
        return str(json.loads(f'"{piece}"'))
    except ValueError:
        return piece


def _plain(text: str, number: Callable[[str], object] | None = None) -> str:
    """Return JSON text with each character as itself; what is no JSON as it is."""
    try:
        value = json.loads(text, parse_int=number, parse_float=number)
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        return text


def _numbers(secrets: Iterable[str]) -> Callable[[str], object] | None:
    """Return how to read numbers, where a secret may stand in one."""
    found = {form.decode(errors="replace") for one in secrets for form in forms(one)}
    risky = [form for form in found if not set(form) - _OF_NUMBERS]
    if not risky:
        return None
    return lambda digits: digits if any(one in digits for one in risky) else json.loads(digits)


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
