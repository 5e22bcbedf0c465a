"""Law: whoever silences a checker says which rule, and why."""

import io
import re
import tokenize
from collections.abc import Iterator

from tests.laws.house import Module, module, modules, nothing

SILENCED = re.compile(r"#\s*(noqa|type:\s*ignore|ruff:\s*noqa|mypy:|pragma:|nosec)", re.I)
REASONED = re.compile(
    r"#\s*((ruff:\s*)?noqa:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*|type:\s*ignore\[[\w,\s-]+\])\s*\W*\w.{6,}"
)


def comments(source: Module) -> Iterator[tuple[int, str]]:
    """Yield each comment with its line."""
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def unexplained(source: Module) -> list[str]:
    """Return the silencing comments that lack a rule or a reason."""
    found = ((n, text) for n, text in comments(source) if SILENCED.search(text))
    return [f"{source.path}:{n}: {text}" for n, text in found if not REASONED.search(text)]


def test_every_silenced_rule_has_a_reason() -> None:
    folders = ("src", "tests", "bench")
    nothing(c for folder in folders for m in modules(folder) for c in unexplained(m))


def test_planted_silences_are_seen() -> None:
    text = """
a = 1  # noqa
b = 2  # noqa: S101
c = 3  # type: ignore
d = 4  # type: ignore[attr-defined]
e = 5  # type: ignore[attr-defined]  # the stubs lack this call
f = 6  # noqa: N818  (a domain answer, not a fault of ours)
"""
    assert len(unexplained(module("src/x.py", text))) == 4
