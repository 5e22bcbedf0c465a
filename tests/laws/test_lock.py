"""Law: the lock pins every dependency by version and hash, and says nothing of where from."""

import re
import tomllib

from tests.laws.house import ROOT, nothing

PIN = re.compile(r"^([a-z0-9._-]+)==[^\s;]+( ; [^\\]+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")
COMMENT = re.compile(r"^\s*#")
NAME = re.compile(r"^[A-Za-z0-9._-]+")

LOCK = (ROOT / "requirements.lock").read_text("utf-8")


def canonical(requirement: str) -> str:
    """Return the canonical name of a requirement: lower case, single hyphens."""
    match = NAME.match(requirement)
    return re.sub(r"[-_.]+", "-", match[0]).lower() if match else ""


def wanted() -> set[str]:
    """Return the names that pyproject.toml asks for, the build backend and extras included."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    extras = config["project"]["optional-dependencies"].values()
    lists = [config["build-system"]["requires"], config["project"]["dependencies"], *extras]
    return {canonical(requirement) for requirements in lists for requirement in requirements}


def test_lock_holds_pins_hashes_and_comments_alone() -> None:
    forms = (PIN, HASH, COMMENT)
    nothing(line for line in LOCK.splitlines() if not any(form.match(line) for form in forms))


def test_lock_names_no_address_and_no_path() -> None:
    nothing(line for line in LOCK.splitlines() if "/" in line)


def test_every_pin_has_a_hash() -> None:
    lines = LOCK.splitlines()
    after_pins = [lines[n + 1] for n, line in enumerate(lines) if PIN.match(line)]
    assert after_pins
    assert all(HASH.match(line) for line in after_pins)


def test_lock_covers_what_the_project_asks_for() -> None:
    pinned = {canonical(line) for line in LOCK.splitlines() if PIN.match(line)}
    assert wanted() - pinned == set()
