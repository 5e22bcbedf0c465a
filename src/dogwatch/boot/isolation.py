"""How far scripts are kept apart here: asked of the settings and of the machine, once."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import structlog

from dogwatch.config import Config
from dogwatch.core.isolation import Level
from dogwatch.core.problems import Problem
from dogwatch.runners.around import found
from dogwatch.runners.box import Boxes, boxes
from dogwatch.runners.cgroup import Groups, delegated, own
from dogwatch.runners.proxy import Connect
from dogwatch.runners.sandbox import Sandbox

_log = structlog.get_logger("dogwatch")


@dataclass(frozen=True, slots=True)
class Isolation:
    """The level, why it is no higher, and the sandbox at the level bubblewrap."""

    level: Level
    why: str = ""
    sandbox: Sandbox | None = None

    def workdir(self, data: Path) -> Path:
        """Return where runs have their directories."""
        return self.sandbox.workdir(data) if self.sandbox else data / "work"

    def __str__(self) -> str:
        """Word it for people."""
        return f"{self.level} ({self.why})" if self.why else self.level


def isolation(config: Config) -> Isolation:
    """Return the isolation of scripts here; bubblewrap counts once a sandbox has worked."""
    if not config.scripts_on:
        return Isolation("off", "scripts are switched off here")
    if config.sandbox == "trusted":
        return Isolation("trusted", "DOGWATCH_SANDBOX says so")
    paths = tuple(path.absolute() for path in config.sandbox_paths)
    sandbox, why = _tried(config.sandbox_uid, paths, (config.data,))
    if sandbox:
        return Isolation("bubblewrap", sandbox=sandbox)
    return Isolation("off" if config.sandbox == "bubblewrap" else "trusted", why)


def runs_as_root(config: Config) -> bool:
    """Whether scripts have root's rights: no sandbox takes these away from them."""
    return config.scripts_on and os.geteuid() == 0 and isolation(config).level == "trusted"


@cache
def _tried(uid: int, paths: Sequence[Path], hidden: Sequence[Path]) -> tuple[Sandbox | None, str]:
    try:
        return found(uid, paths, hidden), ""
    except Problem as problem:
        return None, problem.message


def prepare(config: Config) -> None:
    """Make the place of runs that lies outside the data directory: others may pass, none look.

    Says so where scripts run as root. Problem refused where somebody else has made that place.
    """
    if runs_as_root(config):
        _log.warning("scripts run as root", do="run Dogwatch as a user of its own")
    here = isolation(config)
    if here.sandbox and here.sandbox.drops:
        workdir = here.workdir(config.data)
        workdir.mkdir(mode=0o711, exist_ok=True)
        if workdir.is_symlink() or workdir.stat().st_uid != os.geteuid():
            raise Problem("refused", f"{workdir} belongs to somebody else; remove it")
        workdir.chmod(0o711)


def leave(config: Config) -> None:
    """Remove that place, if nothing is left in it."""
    here = isolation(config)
    if here.sandbox and here.sandbox.drops:
        with suppress(OSError):
            here.workdir(config.data).rmdir()


def makers(config: Config, connect: Connect) -> Boxes | None:
    """Return what makes sandboxes, where scripts run in such; `connect` is their way out."""
    here = isolation(config)
    if here.sandbox is None:
        return None
    return boxes(here.sandbox, here.workdir(config.data), connect, _groups())


def _groups() -> Groups | None:
    """Return what makes control groups, where one is delegated to us."""
    try:
        return delegated(own())
    except Problem as problem:
        _log.info("scripts are limited each process for itself", why=problem.message)
        return None
