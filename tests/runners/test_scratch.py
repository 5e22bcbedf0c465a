import os
import tempfile
from pathlib import Path

from dogwatch.runners.scratch import prepare, remove


def test_a_fresh_directory_is_for_its_owner_alone(tmp_path: Path) -> None:
    scratch = prepare(tmp_path / "deep" / "work", "echo", ".sh", "in")
    assert scratch.root.stat().st_mode & 0o777 == 0o700
    assert scratch.script.read_text() == "echo"
    assert scratch.given.read_text() == "in"
    assert list(scratch.home.iterdir()) == []


def test_removal_leaves_what_links_point_to(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir(mode=0o755)
    (kept / "file").touch()
    scratch = prepare(tmp_path / "work", "", ".sh", "")
    (scratch.home / "link").symlink_to(kept)
    (scratch.home / "file").symlink_to(kept / "file")
    remove(scratch.root)
    assert (kept / "file").exists()
    assert kept.stat().st_mode & 0o777 == 0o755
    assert list((tmp_path / "work").iterdir()) == []


def test_a_tree_deeper_than_any_path_is_removed(tmp_path: Path) -> None:
    scratch = prepare(tmp_path, "", ".sh", "")
    here = os.open(scratch.home, os.O_RDONLY)
    for _ in range(1100):
        os.mkdir("directory", dir_fd=here)
        below = os.open("directory", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    remove(scratch.root)
    assert list(tmp_path.iterdir()) == []


def test_removing_what_is_gone_does_nothing(tmp_path: Path) -> None:
    remove(tmp_path / "never")
    assert list(tmp_path.iterdir()) == []


def test_what_is_closed_to_its_own_user_is_removed() -> None:
    """Root passes every permission check, so a child does this as nobody where it can."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory) / "work" / "root"
        (root / "home" / "a" / "b").mkdir(parents=True)
        (root / "home" / "a" / "b" / "c").touch()
        Path(directory).chmod(0o755)
        child = os.fork()
        if child == 0:
            _as_nobody(root)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert list(root.parent.iterdir()) == []


def _as_nobody(root: Path) -> None:
    try:
        inside = [root, *root.rglob("*")]
        if os.geteuid() == 0:
            for path in (root.parent, *inside):
                os.chown(path, 65534, 65534)
            os.setuid(65534)
        for path in reversed(inside):
            path.chmod(0)
        remove(root)
        os._exit(0)
    finally:
        os._exit(1)
