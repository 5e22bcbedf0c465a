"""Words in a Markdown dialect: escaped, so that they read as they were written."""

import re
from collections.abc import Callable

from dogwatch.core.plain import cut

# ASCII punctuation may be escaped everywhere (CommonMark 2.4); in Discord and Mattermost, too.
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_BREAK = "\u2060"  # a word joiner: seen by parsers, not by people


def escaped(value: str) -> str:
    """Return `value` with all punctuation escaped and no mention or link left in it."""
    return parted(_PUNCTUATION.sub(r"\\\1", value))


def fitting(value: str, length: int, size: Callable[[str], int]) -> str:
    """Return `value` escaped, cut so that its `size` fits afterwards."""
    return escaped(cut(value, length, lambda part: size(escaped(part))))


def linked(url: str) -> str:
    """Return a link by which what a message is about can be acknowledged."""
    return f"[by this link]({url})"


def parted(value: str) -> str:
    """Return `value` with its @names parted, for who looks for them even in code."""
    return value.replace("@", f"@{_BREAK}")


def fenced(output: str) -> str:
    """Return a block of code; a fence inside it doesn't close it."""
    return f"```\n{output.replace('```', f'`{_BREAK}`{_BREAK}`')}\n```"
