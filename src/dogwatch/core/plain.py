"""Words that are safe to show anywhere: printable, of a known length, without hidden marks."""

import unicodedata
from collections.abc import Callable, Sequence

ELLIPSIS = "…"
_BREAKS = frozenset("\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
# Joiners shape letters and emoji; other format characters can turn or hide what is read (UAX 9).
_JOINERS = frozenset("\u200c\u200d")
_PLURALS = (("ch", "ches"), ("ry", "ries"), ("", "s"))


def printable(value: str) -> str:
    r"""Return `value` with \n as its only line break; control and half characters are replaced.

    What turns the direction of writing, hides or tags other characters is left out.
    """
    return "".join(map(_printable, value.replace("\r\n", "\n")))


def one_line(value: str, length: int = 500) -> str:
    """Return `value` as one printable line: line breaks of every Unicode kind become spaces."""
    return cut(" ".join(printable(value).split()), length)


def whole_number(text: str, digits: int) -> int | None:
    """Return the number that 0 to 9 alone spell, so many at most; None for any other text.

    `str.isdigit` takes what `int` refuses (²), and `int` refuses what is too long.
    """
    plain = text.isascii() and text.isdigit() and len(text) <= digits
    return int(text) if plain else None


def cut(value: str, length: int, size: Callable[[str], int] = len) -> str:
    """Return `value` shortened with "…" to a `size` of at most `length`, at a whole character.

    Marks and joiners stay with the letter before them: an emoji is never cut in two.
    """
    if size(value) <= length:
        return value
    low, high = 0, len(value)
    while low < high:  # the longest start that has room for the ellipsis
        middle = (low + high + 1) // 2
        fits = size(value[:middle]) + size(ELLIPSIS) <= length
        low, high = (middle, high) if fits else (low, middle - 1)
    while 0 < low < len(value) and (_leans(value[low]) or value[low - 1] == "\u200d"):
        low -= 1
    return value[:low] + ELLIPSIS


def cut_lines(lines: Sequence[str], length: int, size: Callable[[str], int] = len) -> list[str]:
    """Return the first lines that have room in `length`, breaks counted; "…" tells of others."""
    kept: list[str] = []
    for line in lines:
        if size(line) >= length:
            kept.append(cut(line, max(length - 1, 1), size))
            break
        kept.append(line)
        length -= size(line) + 1
    return kept


def utf16(value: str) -> int:
    """Return the length in UTF-16 units, as Telegram and Discord count."""
    return len(value.encode("utf-16-le", "replace")) // 2


def utf8(value: str) -> int:
    """Return the length in bytes of UTF-8."""
    return len(value.encode(errors="replace"))


def counted(number: int, noun: str) -> str:
    """Return `1 run`, `2 watches`, `0 entries`."""
    ending, plural = next(one for one in _PLURALS if noun.endswith(one[0]))
    return f"{number} {noun if number == 1 else noun.removesuffix(ending) + plural}"


def listed(names: Sequence[str], count: int) -> str:
    """Return some names, of `count` in all, such as "A, B and 2 more"."""
    more = count - len(names)
    *first, last = [*names, f"{more:,} more"] if more > 0 else names
    return f"{', '.join(first)} and {last}" if first else last


def span(seconds: float) -> str:
    """Return a length of time in at most two units: "40 s", "4 min", "1 h 20 min", "2 d 3 h"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes = whole // 60
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return _two(minutes // 60, "h", minutes % 60, "min")
    return _two(minutes // 1440, "d", minutes % 1440 // 60, "h")


def took(ms: float) -> str:
    """Return how long something took; what is short is told more closely: "585 ms", "1.2 s"."""
    whole = max(0, round(ms))
    if whole < 1_000:
        return f"{whole} ms"
    return f"{whole / 1_000:.1f} s" if whole < 9_950 else span(whole / 1_000)


def _two(major: int, major_unit: str, minor: int, minor_unit: str) -> str:
    return f"{major} {major_unit}" + (f" {minor} {minor_unit}" if minor else "")


def _printable(character: str) -> str:
    category = unicodedata.category(character)
    if character in _BREAKS:
        return "\n"
    if category == "Cs":
        return "\ufffd"
    if category == "Cf":
        return character if character in _JOINERS else ""
    return character if category != "Cc" or character == "\n" else " "


def _leans(character: str) -> bool:
    """Tell whether a character belongs to the one before it."""
    return unicodedata.category(character) in {"Mn", "Me", "Mc"} or character in _JOINERS
