"""The root directory of all sandboxes, made once: what they see of the system's own files.

One mount of it takes the place of twenty, which would cost each run three milliseconds. Sandboxes
have it read-only. It holds links and empty places, and copies of a few files of /etc, which are
made anew when the machine's own have changed.
"""

import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

INSIDE_UID = 1000
HOME = Path("/work")
OWN = ("dev", "etc", "proc", "run", "tmp", "usr", HOME.name)
SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
ETC = (
    "alternatives", "ca-certificates", "hosts", "ld.so.cache", "localtime", "mime.types",
    "nsswitch.conf", "pki/ca-trust/extracted", "pki/tls/certs", "resolv.conf", "services",
    "ssl/certs", "ssl/openssl.cnf", "timezone",
)  # fmt: skip
PASSWD = (
    f"root:x:0:0::/:/usr/sbin/nologin\nscript:x:{INSIDE_UID}:{INSIDE_UID}::{HOME}:/bin/bash\n"
    "nobody:x:65534:65534::/:/usr/sbin/nologin\n"
)
GROUP = f"root:x:0:\nscript:x:{INSIDE_UID}:\nnogroup:x:65534:\n"


class System:
    """Such a directory below `workdir`; scripts may read `paths` besides."""

    def __init__(self, workdir: Path, paths: Sequence[Path] = ()) -> None:
        self._workdir = workdir
        self._paths = paths
        self._roots: list[Path] = []
        self._made_of: object = None

    def root(self) -> Path:
        """Return the directory; OSError if it cannot be made."""
        if self._made_of != (sources := self._sources()):
            self._workdir.mkdir(parents=True, exist_ok=True, mode=0o700)
            root = Path(tempfile.mkdtemp(prefix="system-", dir=self._workdir.absolute()))
            self._roots.append(root)  # an older one is that of runs under way
            furnish(root, self._paths)
            self._made_of = sources
        return self._roots[-1]

    @property
    def latest(self) -> Path:
        """Return the directory as it was last returned."""
        return self._roots[-1]

    def remove(self) -> None:
        """Delete it."""
        for root in self._roots:
            shutil.rmtree(root, ignore_errors=True)
        self._roots.clear()
        self._made_of = None

    def _sources(self) -> list[object]:
        """Return what changes when there is something new to copy."""
        found: list[object] = [path.exists() for path in self._paths]
        for name in ETC:
            try:
                found.append(os.stat(f"/etc/{name}").st_mtime_ns)  # noqa: PTH116  (for each run)
            except OSError:
                found.append(None)
        return found


def furnish(root: Path, paths: Sequence[Path]) -> None:
    """Make an empty directory the root of a system."""
    root.chmod(0o755)
    for name in OWN:
        _directory(root / name)
    for name in SYSTEM:
        place = Path("/") / name
        if place.is_symlink():
            (root / name).symlink_to(place.readlink())
        elif place.is_dir():
            _directory(root / name)
    for name in ETC:
        with suppress(OSError, shutil.Error):
            _copy(Path("/etc") / name, root / "etc" / name)
    for name, text in (("passwd", PASSWD), ("group", GROUP)):
        (root / "etc" / name).write_text(text)
        (root / "etc" / name).chmod(0o444)
    for path in paths:
        if path.exists() and not path.is_relative_to("/usr"):
            _place(path, root / path.relative_to("/"))


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        _directory(target.parent)
        shutil.copytree(source, target, symlinks=True)
    elif source.is_file():
        _directory(target.parent)
        shutil.copy2(source, target)


def _place(source: Path, target: Path) -> None:
    """Make what can be mounted over."""
    if source.is_dir():
        _directory(target)
    else:
        _directory(target.parent)
        target.touch(mode=0o444)


def _directory(path: Path) -> None:
    """Make a directory that everybody can look into, its parents too; umask(2) has no say."""
    if not path.is_dir():
        _directory(path.parent)
        path.mkdir()
        path.chmod(0o755)
