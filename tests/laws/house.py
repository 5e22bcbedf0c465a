"""The source tree as the laws see it: modules, their imports, the names they use."""

import ast
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Module:
    """One Python file: its path from the root of the repository, dotted name and text."""

    path: str
    name: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """Return the syntax tree."""
        return ast.parse(self.text, self.path)

    @cached_property
    def aliases(self) -> dict[str, str]:
        """Return what each imported name stands for, function-level imports included."""
        found: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {a.asname or a.name.split(".")[0]: _bound(a) for a in node.names}
            elif isinstance(node, ast.ImportFrom):
                found |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
        return found

    def imports(self) -> Iterator[tuple[str, int]]:
        """Yield every imported dotted name and its line; `from a import b` yields `a.b`."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)

    def uses(self) -> Iterator[tuple[str, ast.expr]]:
        """Yield every name and attribute, spelled from the import that it comes from."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name | ast.Attribute):
                head, *rest = _spelled(node).split(".")
                yield ".".join([self.aliases.get(head, head), *rest]), node

    def code_lines(self, node: ast.AST | None = None) -> int:
        """Count the lines of a function, or of the file, without blanks, comments, docstrings."""
        if not isinstance(node, ast.stmt):
            return len(self._lines)
        return sum(node.lineno <= line <= (node.end_lineno or 0) for line in self._lines)

    @cached_property
    def _lines(self) -> list[int]:
        doc = {line for node in ast.walk(self.tree) for line in _docstring_lines(node)}
        lines = enumerate(self.text.splitlines(), start=1)
        return [n for n, line in lines if _is_code(line) and n not in doc]


def _bound(alias: ast.alias) -> str:
    """Return what `import a.b` binds: `a`, or with `as` the whole name."""
    return alias.name if alias.asname else alias.name.split(".")[0]


def _spelled(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=name):
            return f"{_spelled(value)}.{name}"
    return ast.unparse(node)


def _is_code(line: str) -> bool:
    return bool(line.strip()) and not line.strip().startswith("#")


def _docstring_lines(node: ast.AST) -> range:
    match getattr(node, "body", None):
        case [ast.Expr(value=ast.Constant(value=str())) as doc, *_]:
            return range(doc.lineno, (doc.end_lineno or doc.lineno) + 1)
    return range(0)


def module(path: str, text: str) -> Module:
    """Return the module of one file; `src/dogwatch/a/__init__.py` is named `dogwatch.a`."""
    parts = Path(path.removeprefix("src/")).with_suffix("").parts
    return Module(path, ".".join(parts).removesuffix(".__init__"), text)


@cache
def modules(folder: str) -> tuple[Module, ...]:
    """Return the modules below a folder of the repository."""
    files = sorted((ROOT / folder).rglob("*.py"))
    return tuple(module(f.relative_to(ROOT).as_posix(), f.read_text("utf-8")) for f in files)


def nothing(found: Iterable[str]) -> None:
    """Fail with one line for each breach found."""
    __tracebackhide__ = True
    breaches = list(found)
    assert not breaches, "\n  ".join(["the law is broken here:", *breaches])


def inside(name: str, places: tuple[str, ...]) -> bool:
    """Say whether a dotted name is one of the places or below it."""
    return any(name == place or name.startswith(f"{place}.") for place in places)


def git(*arguments: str) -> str:
    """Return what git says about this repository."""
    return subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", *arguments],
        cwd=ROOT, check=True, capture_output=True, encoding="utf-8",
    ).stdout  # fmt: skip
