"""Law: functions and files stay small. The table shows where we stand against what we want."""

import ast
from collections.abc import Iterator, Sequence
from math import ceil

from tests.laws.house import Module, inside, module, modules, nothing

LONGEST_FUNCTION = 60
LONGEST_FILE = 400
FROZEN_LISTS = ("dogwatch.store.migrations.versions",)  # one statement a table, never edited again


def functions(source: Module) -> Iterator[tuple[str, int]]:
    """Yield each function with its number of lines."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{source.path}:{node.lineno} {node.name}", source.code_lines(node)


def judged(folder: str) -> list[Module]:
    """Return the modules whose sizes count."""
    return [m for m in modules(folder) if not inside(m.name, FROZEN_LISTS)]


def files(sources: Sequence[Module]) -> list[tuple[str, int]]:
    """Return the files that hold code, each with its number of lines."""
    return [(m.path, m.code_lines()) for m in sources if m.code_lines()]


def percentile(sizes: list[int], share: float) -> int:
    """Return the size that a share of all sizes does not exceed."""
    return sorted(sizes)[ceil(len(sizes) * share) - 1]


def row(what: str, wanted: str, found: float, *, good: bool) -> str:
    """Return one line of the table."""
    return f"  {what:<32}{wanted:>8}{found:>8g}  {'ok' if good else 'over'}"


def table() -> str:
    """Return the sizes of the source and of the tests against the figures that we want."""
    source = judged("src")
    function_sizes = [lines for m in source for _, lines in functions(m)]
    file_sizes = [lines for _, lines in files(source)]
    ratio = round(sum(n for _, n in files(modules("tests"))) / sum(file_sizes), 2)
    figures = (
        ("function lines, median", percentile(function_sizes, 0.5), 8),
        ("function lines, 95th percentile", percentile(function_sizes, 0.95), 35),
        ("file lines, median", percentile(file_sizes, 0.5), 120),
        ("file lines, 95th percentile", percentile(file_sizes, 0.95), 350),
    )
    head = f"\n  {'without blanks, comments, docs':<32}{'wanted':>8}{'found':>8}"
    rows = [row(what, f"<= {most}", found, good=found <= most) for what, found, most in figures]
    return "\n".join([head, *rows, row("test lines per line", ">= 1.3", ratio, good=ratio >= 1.3)])


def test_no_function_is_long() -> None:
    everything = judged("src") + judged("tests")
    found = (f for m in everything for f in functions(m))
    nothing(f"{name}: {lines} lines" for name, lines in found if lines > LONGEST_FUNCTION)


def test_no_file_is_long() -> None:
    found = files(judged("src"))
    nothing(f"{name}: {lines} lines" for name, lines in found if lines > LONGEST_FILE)


def test_the_table_can_be_read() -> None:
    print(table())
    assert "function lines, median" in table()


def test_lines_are_counted_without_blanks_comments_and_docstrings() -> None:
    text = 'def f():\n    """Say\n    more."""\n\n    # why\n    a = 1\n    return a\n'
    assert list(functions(module("src/x.py", text))) == [("src/x.py:1 f", 3)]


def test_percentiles() -> None:
    assert percentile(list(range(1, 101)), 0.95) == 95
    assert percentile([3], 0.5) == 3
    assert percentile([1, 2, 3], 0.5) == 2
