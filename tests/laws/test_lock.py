"""Law: the locks pin every dependency by version and hash, and say nothing of where from."""

import re
import tomllib

import pytest

from tests.laws.house import ROOT, nothing

PIN = re.compile(r"^([a-z0-9._-]+)==[^\s;]+( ; [^\\]+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")
COMMENT = re.compile(r"^\s*#")
NAME = re.compile(r"^[A-Za-z0-9._-]+")

CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
EXTRAS: dict[str, list[str]] = CONFIG["project"]["optional-dependencies"]
LOCKS = {"requirements.lock": tuple(EXTRAS), "requirements-run.lock": ("apprise", "postgres")}
each = pytest.mark.parametrize("name", LOCKS)


def lines(name: str) -> list[str]:
    """Return the lines of a lock."""
    return (ROOT / name).read_text("utf-8").splitlines()


def canonical(requirement: str) -> str:
    """Return the canonical name of a requirement: lower case, single hyphens."""
    match = NAME.match(requirement)
    return re.sub(r"[-_.]+", "-", match[0]).lower() if match else ""


def wanted(name: str) -> set[str]:
    """Return the names that a lock has to hold: with the build backend, and with its extras."""
    lists = [CONFIG["build-system"]["requires"], CONFIG["project"]["dependencies"]]
    lists += [EXTRAS[extra] for extra in LOCKS[name]]
    return {canonical(requirement) for requirements in lists for requirement in requirements}


@each
def test_lock_holds_pins_hashes_and_comments_alone(name: str) -> None:
    forms = (PIN, HASH, COMMENT)
    nothing(line for line in lines(name) if not any(form.match(line) for form in forms))


@each
def test_lock_names_no_address_and_no_path(name: str) -> None:
    nothing(line for line in lines(name) if "/" in line)


@each
def test_every_pin_has_a_hash(name: str) -> None:
    told = lines(name)
    after_pins = [told[n + 1] for n, line in enumerate(told) if PIN.match(line)]
    assert after_pins
    assert all(HASH.match(line) for line in after_pins)


@each
def test_lock_covers_what_the_project_asks_for(name: str) -> None:
    pinned = {canonical(line) for line in lines(name) if PIN.match(line)}
    assert wanted(name) - pinned == set()


def test_what_runs_is_what_is_tested() -> None:
    run, tested = (
        {line for line in lines(name) if not COMMENT.match(line)}
        for name in ("requirements-run.lock", "requirements.lock")
    )
    assert {line.rstrip(" \\") for line in run} <= {line.rstrip(" \\") for line in tested}
