import os
from pathlib import Path

import pytest

from dogwatch import directory
from dogwatch.core.problems import Problem


def test_directories_are_made_for_their_owner_alone(tmp_path: Path) -> None:
    directory.make(tmp_path / "a" / "b")
    directory.make(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_every_new_name_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(directory, "sync", synced.append)
    directory.make(tmp_path / "a" / "b")
    assert synced == [tmp_path / "a", tmp_path]


def test_a_name_that_was_not_synced_in_its_time_is_synced_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(directory, "sync", synced.append)
    directory.make(tmp_path)
    assert synced == [tmp_path.parent]


def test_a_directory_that_may_not_be_read_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, flags: int) -> int:
        raise PermissionError(path, flags)

    monkeypatch.setattr(os, "open", refuse)
    directory.make(tmp_path / "a")
    assert (tmp_path / "a").is_dir()


def test_one_that_cannot_be_made_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a file")
    with pytest.raises(Problem, match=r"cannot make .*/a/b: Not a directory") as refused:
        directory.make(tmp_path / "a" / "b")
    assert refused.value.kind == "refused"
