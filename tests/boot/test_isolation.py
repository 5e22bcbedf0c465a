"""The level of isolation that a server has."""

import os
from pathlib import Path

import pytest

from dogwatch.boot import isolation as boot
from dogwatch.boot.isolation import isolation, leave, prepare
from dogwatch.config import Config, load
from dogwatch.core.problems import Problem
from dogwatch.runners import around, sandbox
from tests.runners.boxes import sandbox_of_this_process


def configured(tmp_path: Path, **flags: str) -> Config:
    return load({"data": str(tmp_path), **flags}, {"HOME": str(tmp_path)})


def test_a_sandbox_is_the_default_where_one_works(tmp_path: Path) -> None:
    sandbox_of_this_process()
    here = isolation(configured(tmp_path))
    assert (here.level, str(here)) == ("bubblewrap", "bubblewrap")


@pytest.mark.parametrize(("said", "level"), [("auto", "trusted"), ("bubblewrap", "off")])
def test_without_one_the_reason_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, level: str
) -> None:
    monkeypatch.setattr(around, "STANDARD_PATH", str(tmp_path))
    here = isolation(configured(tmp_path, sandbox=said))
    assert here.level == level
    assert str(here) == f"{level} (bwrap is missing; install bubblewrap)"
    assert here.workdir(tmp_path) == tmp_path / "work"


def test_one_that_does_not_work_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bwrap").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setattr(around, "STANDARD_PATH", str(tmp_path))
    assert isolation(configured(tmp_path)).why.startswith("bubblewrap does not work here: ")


def test_it_is_as_it_is_said(tmp_path: Path) -> None:
    assert isolation(configured(tmp_path, sandbox="trusted")).level == "trusted"
    assert isolation(configured(tmp_path, sandbox="off")).level == "off"
    assert not configured(tmp_path, sandbox="off").scripts_on
    assert isolation(configured(tmp_path, scripts="off")).level == "off"


@pytest.mark.parametrize(
    ("mounts", "place"), [((True, True), 0), ((False, True), 1), ((False, False), 0)]
)
def test_runs_of_root_have_their_place_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mounts: tuple[bool, bool], place: int
) -> None:
    places = dict(zip(sandbox.IN_MEMORY, mounts, strict=True))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(Path, "is_mount", places.__getitem__)
    found = sandbox.Sandbox("bwrap", 65533).workdir(tmp_path)
    assert found.parent == sandbox.IN_MEMORY[place]


def test_the_place_of_runs_goes_with_the_server_once_it_is_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, config = tmp_path / "place", configured(tmp_path)
    root_s = boot.Isolation("bubblewrap", sandbox=sandbox.Sandbox("bwrap", 65533))
    monkeypatch.setattr(sandbox.Sandbox, "drops", True)
    monkeypatch.setattr(sandbox.Sandbox, "workdir", lambda *_: place)
    monkeypatch.setattr(boot, "isolation", lambda _: root_s)
    prepare(config)
    (place / "left").touch()
    leave(config)
    assert place.is_dir()
    (place / "left").unlink()
    leave(config)
    assert not place.exists()
    leave(config)


def test_a_place_that_is_another_s_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shm").mkdir()
    elsewhere = boot.Isolation("bubblewrap", sandbox=sandbox.Sandbox("bwrap", 65533))
    monkeypatch.setattr(sandbox.Sandbox, "workdir", lambda *_: tmp_path / "link")
    monkeypatch.setattr(boot, "isolation", lambda _: elsewhere)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (tmp_path / "link").symlink_to(tmp_path / "shm")
    with pytest.raises(Problem, match="belongs to somebody else"):
        prepare(configured(tmp_path))
