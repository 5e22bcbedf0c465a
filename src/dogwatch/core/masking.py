"""Secret values taken out of what is told, as they are and in their usual encodings."""

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, islice
from urllib.parse import quote, quote_plus, unquote_plus, urlsplit

MASK = b"***"
# What is shorter stands in too many words that are no secret.
SHORTEST = 6
# As base64(1) and openssl-enc(1) wrap, and `xxd -p`.
BASE64_COLUMNS = (76, 64)
HEX_COLUMNS = 60
# So many values of a text that is masked as a whole: each costs time with all that is printed.
MOST_HIDDEN = 200
MOST_HIDDEN_CHARACTERS = 100_000
# From so many on, forms are found by how they begin.
MANY_FORMS = 1_000
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"  # of base64
_OPENING = ("{", "[")
_PARTS = (list, tuple)
_MARKS = re.compile(r"(?:\*\*\*)+")
_PASSWORD = re.compile(r"(://[^/?#:@]*:)[^/?#]*@")
_PASSWORD_PARAMETER = re.compile(r"([?&]password=)[^&#]*")
_SECRET = "auth|cookie|cred|key|pass|pwd|secret|session|sig|token"  # noqa: S105 (names of secrets)
_SECRET_NAME = re.compile(_SECRET, re.IGNORECASE)
# A word with what follows it, each character looked at once: a body may be one long word.
_FIELD = re.compile(r"(?<![\w-])([\w-]++)[\"']?\s*+[=:]\s*+[\"']?")
_VALUE = re.compile(r"[^\s\"'&,;<>{}]{0,4096}")
_OF_NUMBERS = frozenset("0123456789.eE+-")


def is_too_short(secret: str) -> bool:
    """Whether there is something to mask that is never masked, because it stands in many words."""
    return 0 < len(secret.strip()) < SHORTEST


def is_secret_name(name: str) -> bool:
    """Whether the value of a name in a query, such as token, counts as secret."""
    return bool(_SECRET_NAME.search(unquote_plus(name)))


def query(url: str) -> tuple[str, list[tuple[str, str]], str]:
    """Part an address into what stands before its query, the pairs as written, and the rest."""
    head, mark, rest = url.partition("?")
    told, sharp, fragment = rest.partition("#")
    pairs = [part.partition("=") for part in told.split("&")] if told else []
    return head + mark, [(name + equals, value) for name, equals, value in pairs], sharp + fragment


def joined(head: str, pairs: Sequence[tuple[str, str]], tail: str) -> str:
    """Return the address whose parts `query` would return."""
    return head + "&".join(name + value for name, value in pairs) + tail


def masked_url(url: str) -> str:
    """Return an address without the values of its query that look secret."""
    head, parts, tail = query(url)
    mask = MASK.decode()
    shown = [(name, mask if value and is_secret_name(name) else value) for name, value in parts]
    return joined(head, shown, tail)


def secrets_in(url: str) -> list[str]:
    """Return those values of an address's query that count as secret, as written and as meant."""
    found = [value for name, value in query(url)[1] if is_secret_name(name)]
    return list(dict.fromkeys([*found, *map(unquote_plus, found)]))


def secrets_in_body(body: str) -> list[str]:
    """Return those values of a request's body that count as secret by their names, up to
    `MOST_HIDDEN`: of JSON, of a form, of other text as far as each goes without a blank."""
    told = _tree(body, list)
    if told is not body:
        return _some(_named(told))
    found = [value[0] for end in _secret_fields(body) if (value := _VALUE.match(body, end))]
    return _some([*found, *map(unquote_plus, found)])


def holds_secrets(body: str) -> bool:
    """Whether a value in a request's body counts as secret by its name."""
    return next(_secret_fields(body), None) is not None


def _secret_fields(text: str) -> Iterator[int]:
    """Yield where values begin that stand by a name that counts as secret, up to `MOST_HIDDEN`."""
    ends = (found.end() for found in _FIELD.finditer(text) if is_secret_name(found[1]))
    yield from islice(ends, MOST_HIDDEN)


def _named(tree: object) -> Iterator[str]:
    """Yield what stands in JSON by a name that counts as secret, whatever it holds."""
    rest = [tree]
    while rest:
        one = rest.pop()
        if isinstance(one, tuple) and is_secret_name(one[0]):
            yield from _leaves(one[1])
        elif isinstance(one, _PARTS):
            rest += one


def mask_url(url: str) -> str:
    """Return the URL with its password replaced by ***."""
    return _PASSWORD_PARAMETER.sub(r"\1***", _PASSWORD.sub(r"\1***@", url))


def mask_address(url: str) -> str:
    """Return where an address leads, without anything that may be a secret in it."""
    return f"{urlsplit(url).scheme}://{urlsplit(url).netloc}/***"


def forms(secret: str) -> dict[bytes, bytes]:
    """Return a secret as it may be printed: as is, as JSON, URL-encoded, in hex, in base64.

    With each form come the letters of which one may follow that holds its last bits. Empty for a
    secret that is too short; one of several lines is found line by line, too.
    """
    whole = secret.strip()
    parts = {whole, *(line.strip() for line in whole.splitlines())}
    found: dict[bytes, bytes] = {}
    for part in parts:
        if len(part) >= SHORTEST:
            _add(found, ((form, b"") for form in _forms(part)))
            _add(found, _base64_forms(part.encode(errors="replace")))
    return found


def _add(found: dict[bytes, bytes], new: Iterable[tuple[bytes, bytes]]) -> None:
    """Add forms that are long enough; what may end one that is known comes to the rest."""
    for form, last in new:
        if len(form) >= SHORTEST:
            found[form] = bytes(sorted({*found.get(form, b""), *last}))


def _forms(text: str) -> Iterator[bytes]:
    plain = text.encode(errors="replace")
    yield plain
    yield json.dumps(text)[1:-1].encode()
    yield json.dumps(text, ensure_ascii=False)[1:-1].encode(errors="replace")
    for digits in (plain.hex().encode(), plain.hex().upper().encode()):
        yield digits
        yield from _wrapped(digits, HEX_COLUMNS)
    yield from _url_encoded(text)


def _url_encoded(text: str) -> Iterator[bytes]:
    # The last is encodeURIComponent of ECMAScript.
    for safe in ("", "/", "!'()*"):
        encoded = quote(text, safe=safe, errors="replace")
        yield encoded.encode()
        yield re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), encoded).encode()
    yield quote_plus(text, errors="replace").encode()


def _base64_forms(plain: bytes) -> Iterator[tuple[bytes, bytes]]:
    for shift in range(3):
        yield from _base64(plain, shift)
    letters, last = next(_base64(plain, 0))
    for columns in BASE64_COLUMNS:
        for form in _wrapped(letters, columns):
            yield form, last if b"\n" in form and len(letters) % columns else b""


def _base64(plain: bytes, shift: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the letters that hold nothing but bits of the secret, `shift` bytes into a text.

    With them come those of which one follows: what is left of the secret, and bits of what follows.
    """
    first, (end, left) = -(-8 * shift // 6), divmod(8 * (shift + len(plain)), 6)
    for more in (b"+/", b"-_"):
        alphabet = _LETTERS + more
        told = base64.b64encode(b"\0" * shift + plain, more)
        at = alphabet.index(told[end]) if left else 0
        yield told[first:end], alphabet[at : at + (1 << (6 - left))] if left else b""


def _wrapped(letters: bytes, columns: int) -> Iterator[bytes]:
    """Yield what is longer than a line in lines, all of them and each that is full."""
    lines = [letters[at : at + columns] for at in range(0, len(letters), columns)]
    if len(lines) > 1:
        yield b"\n".join(lines)
        yield from (line for line in lines if len(line) == columns)


class Masker:
    """Masks one stream, whatever the pieces it comes in; what may begin a secret waits.

    Secrets may be added at any time, and hold from the next piece on.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._last: dict[bytes, bytes] = {}
        self._by_start: dict[bytes, list[bytes]] = {}  # of SHORTEST bytes, which every form has
        self._begun_by: set[bytes] = set()  # what is shorter than that, and begins a form
        self._longest = 0
        self._held = b""
        self._learn(secrets)

    def add(self, secret: str) -> None:
        """Mask one more secret from now on."""
        self._learn((secret,))

    def _learn(self, secrets: Iterable[str]) -> None:
        for secret in secrets:
            new = forms(secret)
            for form in new.keys() - self._last.keys():
                self._by_start.setdefault(form[:SHORTEST], []).append(form)
                self._begun_by.update(form[:size] for size in range(1, SHORTEST))
                self._longest = max(self._longest, len(form))
            _add(self._last, new.items())

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes; return those that can be told."""
        if not self._last:
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
        present = sorted((form for form in self._likely(text) if form in text), key=_longest_first)
        if not present:
            return text[:cut], text[cut:]
        search = _pattern(tuple((form, self._last[form]) for form in present)).search
        told, at, whole = bytearray(), 0, cut == len(text)
        while (found := search(text, at)) and found.start() < cut:
            told += text[at : found.start()] + MASK
            at = found.end()
            if at > cut:
                cut = len(text) if whole else self._begun(text, at)
        told += text[at:cut]
        return bytes(told), text[max(at, cut) :]

    def _likely(self, text: bytes) -> Iterable[bytes]:
        """Return the forms to look for: all, if they are few, else those whose beginning is there.

        A look for one takes as long as some fifty bytes of a look for all beginnings.
        """
        if len(self._last) < MANY_FORMS:
            return self._last
        starts = {text[at : at + SHORTEST] for at in range(len(text) - SHORTEST + 1)}
        return chain.from_iterable(self._by_start[one] for one in starts & self._by_start.keys())

    def _begun(self, text: bytes, at: int) -> int:
        """Return where, from `at` on, the end of the text may be the beginning of a secret."""
        for start in range(max(at, len(text) - self._longest), len(text)):
            piece = text[start : start + SHORTEST]
            if piece in self._begun_by or any(
                self._goes_on(form, text[start:]) for form in self._by_start.get(piece, ())
            ):
                return start
        return len(text)

    def _goes_on(self, form: bytes, end: bytes) -> bool:
        """Whether more of a form may follow the end of a text: what holds its last bits, too."""
        return form.startswith(end) and (form != end or bool(self._last[form]))


def without(text: str, secrets: Iterable[str]) -> str:
    """Return a text without these secrets."""
    masker = Masker(secrets)
    return (masker.feed(text.encode(errors="replace")) + masker.end()).decode()


def json_without(text: str, secrets: Iterable[str]) -> str:
    """Return JSON text without these secrets, which still is JSON; itself if it holds none.

    A number that holds one becomes text; what is no JSON any more is masked as a whole.
    """
    known = list(secrets)
    number = _numbers(known)
    plain = _plain(text, number)
    for secret in known:
        if secret.strip()[:1] in _OPENING and len(secret) >= SHORTEST:
            plain = plain.replace(_plain(secret, number), json.dumps(MASK.decode()))
    told = without(plain, known)
    if told == _plain(text):
        return text
    try:
        json.loads(told)
    except ValueError:  # the secret was a piece of JSON itself
        return json.dumps(MASK.decode())
    return told


def hidden(text: str, masked: str) -> list[str]:
    """Return what was masked in JSON text, and each value within it, in no order.

    Where all of it was masked, every value in it counts as secret, up to `MOST_HIDDEN`.
    """
    return _some(_hidden(text, masked))


def _some(secrets: Iterable[str]) -> list[str]:
    """Return those that are masked at all, each once, and no more than can be looked for."""
    found: dict[str, None] = {}
    room = MOST_HIDDEN_CHARACTERS
    for one in secrets:
        if SHORTEST <= len(one) <= room and one not in found:
            found[one] = None
            room -= len(one)
        if len(found) == MOST_HIDDEN:
            break
    return list(found)


def _hidden(text: str, masked: str) -> Iterator[str]:
    if masked == json.dumps(MASK.decode()):
        yield from (text, _plain(text))
    pairs = [(_tree(text, lambda members: list(dict(members).items())), _tree(masked, list))]
    while pairs:
        true, shown = pairs.pop()
        if isinstance(true, str) and isinstance(shown, str):
            yield from _taken(true, shown)
        elif isinstance(true, _PARTS) and isinstance(shown, _PARTS) and _alike(true, shown):
            pairs += zip(true, shown, strict=True)
        else:
            yield from _leaves(true)


def _tree(text: str, members: Callable[[list[tuple[str, object]]], object]) -> object:
    """Return JSON as lists, objects as lists of tuples, numbers as text; other text as it is."""
    try:
        found: object = json.loads(text, parse_int=str, parse_float=str, object_pairs_hook=members)
    except (ValueError, RecursionError):
        return text
    return found


def _alike(true: Sequence[object], shown: Sequence[object]) -> bool:
    return type(true) is type(shown) and len(true) == len(shown)


def _leaves(tree: object) -> Iterator[str]:
    """Yield each text and number, and those in a text that is JSON itself; but no names."""
    rest = [tree]
    while rest:
        one = rest.pop()
        if isinstance(one, str):
            yield one
            if one.strip()[:1] in _OPENING:
                inner = _tree(one, list)
                rest += [] if inner == one else [inner]
        elif isinstance(one, tuple):
            rest.append(one[1])
        elif isinstance(one, list):
            rest += one


def _taken(true: str, shown: str) -> Iterator[str]:
    """Yield what stands in a text where another has marks; a mark that stands in both is none.

    What stands between two marks may stand in a secret, too: the marks are laid from both ends.
    """
    parts = _MARKS.split(shown)
    if true == shown or len(parts) < 2:
        return
    back = _between(true[::-1], [part[::-1] for part in reversed(parts)])
    for piece in (*_between(true, parts), *(piece[::-1] for piece in back)):
        for part in (piece, *piece.split(MASK.decode())):
            yield from _leaves(part)


def _between(text: str, parts: list[str]) -> list[str]:
    """Return what stands between these parts of a text; all of it if they are not its parts."""
    (first, *middle, last), found = parts, []
    at, end = len(first), len(text) - len(last)
    for part in middle:
        if (upto := text.find(part, at + 1, end)) < 0:
            return [text]
        found.append(text[at:upto])
        at = upto + len(part)
    found.append(text[at:end])
    return found if text.startswith(first) and text.endswith(last) else [text]


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


def _longest_first(form: bytes) -> tuple[int, bytes]:
    return -len(form), form


@lru_cache(maxsize=16)
def _pattern(longest_first: tuple[tuple[bytes, bytes], ...]) -> re.Pattern[bytes]:
    return re.compile(
        b"|".join(
            re.escape(form) + (b"[" + re.escape(last) + b"]?" if last else b"")
            for form, last in longest_first
        )
    )
