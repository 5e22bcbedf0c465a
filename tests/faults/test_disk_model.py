"""The model of a disk that loses power keeps what it must, and loses what it may."""

from pathlib import Path
from random import Random

import pytest

from tests.harness.disk import SECTOR, Disk, File, Folder, Resize, Write
from tests.harness.syscalls import Call, tracing

OLD, NEW = b"a" * SECTOR, b"b" * SECTOR


def call(name: str, text: str, result: int = 0, place: int = 0) -> Call:
    return Call(name, text.encode(), result, b"", place, place)


def outcomes(file: File, seeds: int = 400) -> set[bytes]:
    return {file.cut(Random(seed)) for seed in range(seeds)}


def test_what_was_synced_is_there() -> None:
    file = File()
    file.change(Write(0, OLD))
    file.sync(1)
    assert outcomes(file) == {OLD}


def test_what_was_not_synced_is_kept_dropped_reordered_or_torn() -> None:
    file = File()
    file.change(Write(0, OLD * 2))
    file.sync(1)
    file.change(Write(0, NEW))
    file.change(Write(SECTOR, NEW))
    found = outcomes(file)
    assert {OLD + OLD, OLD + NEW, NEW + OLD, NEW + NEW} <= found
    assert any(NEW[:9] + OLD[:9] in one[:SECTOR] or OLD[:9] + NEW[:9] in one for one in found)


def test_bytes_beside_a_write_are_never_harmed() -> None:
    file = File()
    file.change(Write(0, OLD))
    file.sync(1)
    file.change(Write(100, b"new"))
    assert {one[:100] + one[103:] for one in outcomes(file)} == {OLD[:-3]}


def test_a_size_that_was_not_synced_is_any_that_there_was() -> None:
    file = File()
    file.change(Write(0, OLD * 2))
    file.sync(1)
    file.change(Resize(0))
    file.change(Write(0, NEW))
    assert {len(one) for one in outcomes(file)} == {0, SECTOR, 2 * SECTOR}


def test_a_sync_holds_for_what_was_done_before_it_began() -> None:
    file = File()
    file.change(Write(0, OLD))
    file.change(Write(0, NEW))
    file.sync(1)
    assert {OLD, NEW} <= outcomes(file)
    assert all(len(one) == SECTOR for one in outcomes(file))


def test_a_name_is_there_once_its_directory_is_synced() -> None:
    folder, file = Folder(), File()
    folder.change({"new": file})
    assert {"new" in folder.cut(Random(seed)) for seed in range(50)} == {True, False}
    folder.sync(1)
    folder.change({"new": None, "other": file})
    found = {tuple(folder.cut(Random(seed))) for seed in range(50)}
    assert found == {("new",), ("other",)}


def test_calls_become_files(tmp_path: Path) -> None:
    disk = Disk(Path("/d"))
    hexed = "".join(f"\\x{byte:02x}" for byte in b"/d/f")
    disk.begin(call("openat", f'AT_FDCWD</>, "{hexed}", O_RDWR|O_CREAT, 0600', 3))
    disk.begin(call("pwrite64", f'3<{hexed}>, "\\x68\\x69", 2, 0', 2))
    for name, path in (("fdatasync", hexed), ("fsync", "/d")):
        sync = call(name, f"3<{path}>")
        disk.begin(sync)
        disk.end(sync)
    disk.cut(Random(1), tmp_path)
    assert (tmp_path / "f").read_bytes() == b"hi"


@pytest.mark.parametrize("name", ["copy_file_range", "sendfile", "fallocate", "pwritev"])
def test_a_call_that_is_not_modelled_is_not_overlooked(name: str, tmp_path: Path) -> None:
    assert name in tracing(tmp_path / "trace")[-1]
    with pytest.raises(KeyError):
        Disk(Path("/d")).begin(call(name, "3</d/f>", 1))
