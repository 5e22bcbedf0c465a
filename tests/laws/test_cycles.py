"""Law: no module waits for itself, not even through an import inside a function."""

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter

from tests.laws.house import Module, module, modules


def graph(sources: Sequence[Module]) -> dict[str, set[str]]:
    """Return which modules each module imports, at its top or lazily."""
    known = {m.name for m in sources}

    def owner(name: str) -> str:
        return name if name in known else name.rpartition(".")[0]

    return {m.name: {owner(n) for n, _ in m.imports()} & known - {m.name} for m in sources}


def cycle(sources: Sequence[Module]) -> list[str]:
    """Return the modules of one import cycle, or nothing."""
    try:
        TopologicalSorter(graph(sources)).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_import_cycles() -> None:
    assert cycle(modules("src")) == []


def test_a_lazy_cycle_is_seen() -> None:
    a = module("src/a/x.py", "import a.y")
    b = module("src/a/y.py", "def late():\n    from a.x import thing\n")
    assert set(cycle([a, b])) == {"a.x", "a.y"}
