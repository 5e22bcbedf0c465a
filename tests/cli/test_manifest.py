"""export, apply, diff and validate: the workspace as a file."""

import json
from pathlib import Path

import pytest

from tests.cli.stub import Here, Stub

APPLY = "POST /api/v1/manifests/apply"
TEXT = "dogwatch: 1\nwatches:\n- slug: backup\n  name: Backup\n"
DONE = {
    "id": "ours.yaml", "dry_run": False, "items": 1, "made": ["watches backup"], "changed": [],
    "removed": [], "diff": "--- as it is\n+++ as the file says\n+- slug: backup",
}  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A good file."""
    path = tmp_path / "ours.yaml"
    path.write_text(TEXT)
    return str(path)


def test_apply_sends_the_text_and_tells_what_changed(here: Here, stub: Stub, file: str) -> None:
    stub.replies[APPLY] = (200, DONE)
    assert here("apply", file, "--prune").stdout == "ours.yaml: made watches backup\n"
    sent = json.loads(stub.requests[-1].body)
    assert sent == {"name": "ours.yaml", "text": TEXT, "prune": True, "dry_run": False}
    stub.replies[APPLY] = (200, DONE | {"made": [], "diff": ""})
    same = "ours.yaml: nothing to change, all is as the file says"
    kept = "; it keeps 1 item, to be changed there\n"
    assert here("apply", "-f", file).stdout == same + kept
    stub.replies[APPLY] = (200, DONE | {"made": [], "diff": "", "dry_run": True})
    assert here("apply", file, "--dry-run").stdout == f"{same}\n"
    assert here("apply").returncode == 2


def test_a_file_goes_by_its_own_name_or_another(here: Here, stub: Stub, file: str) -> None:
    stub.replies[APPLY] = (200, DONE | {"released": ["old"]})
    done = here("apply", file, "--name", "prod/ours.yaml")
    assert json.loads(stub.requests[-1].body)["name"] == "prod/ours.yaml"
    assert "ours.yaml: let go of old (with --prune it is deleted)\n" in done.stdout
    stub.replies[APPLY] = (200, DONE | {"made": [], "diff": "", "released": ["old"]})
    assert here("diff", file).returncode == 2
    assert here("apply", file, file, "--name", "one").returncode == 2


def test_what_is_kept_again_and_what_is_wrong_are_told(here: Here, stub: Stub, file: str) -> None:
    stub.replies[APPLY] = (200, DONE | {"made": [], "diff": "", "kept": ["nb"]})
    done = here("diff", file)
    assert (done.returncode, done.stdout) == (2, "nb: kept in ours.yaml from now on\n")
    wrong = {"field": "watches.0.slug", "message": "line 3: is taken"}
    stub.replies[APPLY] = (422, {"detail": "watches.0.slug: line 3: is taken", "errors": [wrong]})
    done = here("apply", file)
    assert done.stderr == f"dogwatch: {file}: 1 fault\n{file}:3: watches.0.slug: is taken\n"


def test_release_lets_go_of_items_or_of_a_file(here: Here, stub: Stub) -> None:
    stub.replies["POST /api/v1/manifests/release"] = (200, {"id": "1", "slug": "backup"})
    stub.replies["POST /api/v1/manifests/forget"] = (200, {"id": "prod/ours.yaml"})
    assert here("release", "backup").stdout == "let go of backup\n"
    assert json.loads(stub.requests[-1].body) == {"item": "backup"}
    assert here("release", "--file", "prod/ours.yaml").stdout == "let go of prod/ours.yaml\n"
    assert here("release").returncode == 2


def test_diff_changes_nothing_and_says_by_its_code(here: Here, stub: Stub, file: str) -> None:
    stub.replies[APPLY] = (200, DONE)
    done = here("diff", file)
    assert (done.returncode, "+- slug: backup" in done.stdout) == (2, True)
    assert json.loads(stub.requests[-1].body)["dry_run"] is True
    stub.replies[APPLY] = (200, DONE | {"made": [], "diff": ""})
    done = here("diff", file)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "no difference: all is as the files say\n"


def test_validate_asks_no_server(here: Here, stub: Stub, file: str) -> None:
    assert here("validate", file).stdout == f"{file}: good, 1 watch\n"
    Path(file).write_text(TEXT + "  schedule: never\n")
    done = here("validate", file)
    assert (done.returncode, stub.requests) == (2, [])
    assert f"\n{file}:5: watches.0.schedule: " in done.stderr
    Path(file).write_text(TEXT + "  schedule: never\nvariables:\n- key: A\n  value: ${A}\n")
    head, *faults = here("validate", file).stderr.splitlines()
    assert head == f"dogwatch: {file}: 2 faults"
    told = f"{file}:8: variables.0.value: fill in ${{A}} first, by hand or by envsubst '$A'"
    assert told in faults
    Path(file).write_text("dogwatch: [\n")
    assert f"\n{file}:1: text: is no YAML: " in here("validate", file).stderr
    assert here("validate", f"{file}.gone").returncode == 2
