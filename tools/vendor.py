"""Fetch what others wrote and browsers load, as vendor.toml lists it; needs npm, as users don't.

`--check` fetches nothing: it proves that the files here are those that are listed.
"""

import base64
import hashlib
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent.parent / "src/dogwatch/web/dashboard/vendor"


def listed() -> list[dict[str, Any]]:
    """Return the packages of vendor.toml."""
    packages: list[dict[str, Any]] = tomllib.loads((HERE / "vendor.toml").read_text())["package"]
    return packages


def wrong() -> list[str]:
    """Return the files that are not as they are listed."""
    files = {one["to"]: one["sha256"] for package in listed() for one in package["files"].values()}
    return [name for name, digest in files.items() if _sha256(HERE / name) != digest]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def fetch(package: dict[str, Any], folder: Path) -> None:
    """Pack a package by npm, prove it by its integrity, and copy its files."""
    name = f"{package['name']}@{package['version']}"
    subprocess.run(["npm", "pack", name, "--silent"], cwd=folder, check=True)
    packed = next(folder.glob("*.tgz"))
    digest = base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode()
    if f"sha512-{digest}" != package["integrity"]:
        raise SystemExit(f"{name} is not what vendor.toml says")
    with tarfile.open(packed) as inside:
        for path, file in package["files"].items():
            found = inside.extractfile(f"package/{path}")
            assert found
            (HERE / file["to"]).write_bytes(found.read())
    packed.unlink()


def main() -> None:
    """Fetch, unless told to check alone."""
    if "--check" not in sys.argv:
        with tempfile.TemporaryDirectory() as folder:
            for package in listed():
                fetch(package, Path(folder))
    if found := wrong():
        raise SystemExit(f"not as vendor.toml lists them: {', '.join(found)}")


if __name__ == "__main__":
    main()
