"""The output of a run goes out masked, each stream for itself."""

from dogwatch.engine.masked import Masked


def test_streams_are_masked_each_for_itself() -> None:
    told: list[tuple[str, bytes]] = []
    masked = Masked(lambda stream, text: told.append((stream, text)), ["hunter22"])
    masked.add("stdout", b"a hunt")
    masked.add("stderr", b"er22 hunter22 t0k")
    masked.hide("t0ken-1")
    masked.add("stdout", b"er22 t0ken-1\n")
    masked.add("stderr", b"en t0ken")
    masked.close()
    text = {name: b"".join(t for n, t in told if n == name) for name in ("stdout", "stderr")}
    assert text == {"stdout": b"a *** ***\n", "stderr": b"er22 *** t0ken t0ken"}
