"""Laws: no test is skipped, and every test asserts something."""

import ast
from collections.abc import Iterator

from tests.laws.house import Module, inside, module, modules, nothing

SKIPS = {
    *("pytest.skip", "pytest.xfail", "pytest.importorskip", "unittest.skip"),
    *("pytest.mark.skip", "pytest.mark.skipif", "pytest.mark.xfail"),
}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# Without CI only, where a real server is missing; where the machine permits no sandbox.
MAY_SKIP = ("tests.conftest", "tests.runners.boxes")
CHECKS = {"pytest.raises", "pytest.warns", "pytest.fail"}


def skips(source: Module) -> Iterator[str]:
    """Yield where a test is skipped or expected to fail."""
    for name, node in source.uses():
        if name in SKIPS:
            yield f"{source.path}:{node.lineno}: {name}"


def idle(source: Module) -> Iterator[str]:
    """Yield the tests that assert nothing, neither themselves nor by a function of the tests."""
    functions = [node for node in ast.walk(source.tree) if isinstance(node, FUNCTIONS)]
    tests = [node for node in functions if node.name.startswith("test_")]
    own = {node.name for node in functions if node not in tests}
    for test in tests:
        if not _asserts(test, source, own):
            yield f"{source.path}:{test.lineno}: {test.name}"


def _asserts(test: ast.AST, source: Module, own: set[str]) -> bool:
    for node in ast.walk(test):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            head, *rest = ast.unparse(node.func).split(".")
            name = ".".join([source.aliases.get(head, head), *rest])
            if name in CHECKS or name.startswith("tests.") or name.split(".")[-1] in own:
                return True
    return False


def test_no_test_is_skipped() -> None:
    strangers = [m for m in modules("tests") if not inside(m.name, MAY_SKIP)]
    nothing(skip for m in strangers for skip in skips(m))


def test_every_test_asserts() -> None:
    nothing(test for m in modules("tests") for test in idle(m))


def test_planted_skips_are_seen() -> None:
    text = "import pytest\n@pytest.mark.skipif(True)\ndef test_a(): pytest.skip()\n"
    assert len(list(skips(module("tests/test_x.py", text)))) == 2


def test_a_planted_idle_test_is_seen() -> None:
    text = "def check(): assert 1\ndef test_a(): check()\ndef test_b(): print()\n"
    assert list(idle(module("tests/test_x.py", text))) == ["tests/test_x.py:3: test_b"]
