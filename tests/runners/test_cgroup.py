"""Control groups, by files laid out as the kernel's: a real delegated one is rare in a test.

Where the kernel has groups of version 2, some are real, with those controllers that are there.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from dogwatch.core.problems import Problem
from dogwatch.runners.box import boxes
from dogwatch.runners.cgroup import LEAF, NEEDED, Groups, delegated, lacking, own
from tests.eventually import eventually
from tests.runners.boxes import Cell, sandbox_of_this_process


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A group that is ours and has no other process."""
    group = tmp_path / "system.slice" / "dogwatch.service"
    (group / LEAF).mkdir(parents=True)
    (group / "cgroup.controllers").write_text("cpu io memory pids\n")
    (group / "cgroup.procs").write_text(f"{os.getpid()}\n")
    (group / "cgroup.subtree_control").touch()
    return group


def test_our_group_is_found(tmp_path: Path) -> None:
    listed = tmp_path / "cgroup"
    listed.write_text("4:memory:/other\n0::/a/b\n")
    assert own(tmp_path, listed) == tmp_path / "a/b"
    listed.write_text(f"0::/a/b/{LEAF}\n")
    assert own(tmp_path, listed) == tmp_path / "a/b"
    listed.write_text("0::/\n")
    assert own(tmp_path, listed) == tmp_path
    assert own(tmp_path, tmp_path / "none") == tmp_path


def test_the_server_moves_to_a_leaf_and_hands_controllers_down(base: Path) -> None:
    (base / "run-1-1").mkdir()
    delegated(base)
    assert (base / LEAF / "cgroup.procs").read_text() == str(os.getpid())
    assert (base / "cgroup.subtree_control").read_text() == "+cpu +memory +pids"
    assert not (base / "run-1-1").exists()
    (base / "cgroup.procs").write_text(f"1\n{os.getpid()}\n")
    with pytest.raises(Problem, match="other processes"):
        delegated(base)


def test_a_run_has_a_group_of_its_own(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    groups = delegated(base)
    made = Path.mkdir

    def with_procs(path: Path) -> None:
        made(path)
        (path / "cgroup.procs").touch()

    monkeypatch.setattr(Path, "mkdir", with_procs)
    group = groups.open(memory_mb=64, processes=10)
    told = {file.name: file.read_text() for file in group.path.iterdir()}
    assert told == {
        "memory.max": str(64 << 20), "memory.oom.group": "1", "pids.max": "10",
        "cpu.weight": "25", "cgroup.procs": "",
    }  # fmt: skip
    group.close()
    assert (group.path / "cgroup.kill").read_text() == "1"


def test_what_is_lacking_is_told(base: Path) -> None:
    assert lacking(base) == ""
    (base / "cgroup.controllers").write_text("cpu\n")
    assert lacking(base) == "memory and pids not among the controllers of our control group"
    assert lacking(base / "none") == "no control groups of version 2 here"
    with pytest.raises(Problem):
        delegated(base)


@pytest.fixture
def real() -> Iterator[Path | None]:
    """A real group, which no process is in, where there can be one."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    bases = [Path(one[1]) for one in mounts if one[2] == "cgroup2"]
    try:
        group = bases[0] / f"dogwatch-test-{os.getpid()}"
        group.mkdir()
    except (IndexError, OSError):
        yield None
    else:
        yield group
        group.rmdir()


def test_a_real_group_takes_a_process_and_ends_it(real: Path | None) -> None:
    if real is None:
        with pytest.raises(Problem):
            delegated(own())
        return
    there = frozenset((real / "cgroup.controllers").read_text().split()) & NEEDED
    (real / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in there))
    groups = Groups(real, there)
    group = groups.open(memory_mb=64, processes=10)
    if "pids" in there:
        assert (group.path / "pids.max").read_text() == "10\n"
    with subprocess.Popen(["sleep", "300"]) as sleeper:
        os.write(group.procs, str(sleeper.pid).encode())
        assert (group.path / "cgroup.procs").read_text().split() == [str(sleeper.pid)]
        group.close()
        assert sleeper.wait(30) == -9
    eventually(lambda: "populated 0" in (real / "cgroup.events").read_text())
    if group.path.exists():  # its process was still dying
        group.path.rmdir()
    empty = groups.open(memory_mb=64, processes=10)
    empty.close()
    assert not empty.path.exists()


@pytest.mark.parametrize("cells", [True, False])
def test_all_of_a_sandboxed_run_is_in_its_group(
    real: Path | None, tmp_path: Path, cells: bool
) -> None:
    sandbox = sandbox_of_this_process()
    if real is None:
        return
    with closing(Cell(replace(sandbox, cells=cells and sandbox.cells), tmp_path)) as cell:
        groups = Groups(real, frozenset())
        cell.boxes = boxes(cell.sandbox, cell.workdir, cell.egress.connect, groups)
        source = "for pid in 1 self $$; do grep ^0:: /proc/$pid/cgroup; done; setsid sleep 600 &"
        for number in (1, 2):
            said = cell.run(source).out.splitlines()
            assert len(said) == 3
            assert all(f"{real.name}/run-{os.getpid()}-{number}" in one for one in said)
    eventually(lambda: "populated 0" in (real / "cgroup.events").read_text())
    assert [one.name for one in real.iterdir() if one.is_dir()] == []
