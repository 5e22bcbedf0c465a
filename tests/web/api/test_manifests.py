"""/manifests: a workspace as a file, there and back; what is kept in one; what is refused."""

import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dogwatch.core.manifest.text import SECTIONS, read
from dogwatch.store.database import Database
from tests.harness.clock import ManualClock
from tests.web.api.conftest import House, house_on
from tests.web.asgi_client import Answer, Client

WATCH = "dogwatch: 1\nwatches:\n- slug: backup\n  name: Backup\n  schedule: {when}\n"


def exported(api: Client) -> str:
    answer = api("GET", "/manifests/export")
    assert answer.status == 200, answer.text
    assert answer.headers["content-type"].startswith("application/yaml")
    return answer.text


def apply(api: Client, text: str, name: str = "dogwatch.yaml", **how: bool) -> Answer:
    return api("POST", "/manifests/apply", {"name": name, "text": text, **how})


def made(api: Client, path: str, body: dict[str, Any], method: str = "POST") -> Any:
    answer = api(method, path, body)
    assert answer.status in (200, 201), answer.text
    return answer.json


def lived_in(api: Client) -> None:
    """Fill a workspace with one of everything and more, secrets included."""
    ops = made(api, "/channels", {
        "name": "Ops", "kind": "webhook",
        "settings": {"url": "https://ops.example/hook?token=s3cret-query"},
    })  # fmt: skip
    chat = made(api, "/channels", {
        "name": "Chat", "kind": "slack", "group_window_s": 30,
        "settings": {"url": "https://hooks.slack.com/services/T/B/s3cret-chat"},
    })  # fmt: skip
    made(api, f"/channels/{chat['id']}", {"enabled": False}, "PATCH")
    made(api, "/watches", {
        "name": "Backup", "schedule": "0 2 * * *", "timezone": "Europe/Warsaw", "grace_s": 1200,
        "tags": ["db"], "description": "First line.\nSecond: line.\n", "project": "Shop",
        "starts_at": "2026-01-05T00:00:00Z",
    })  # fmt: skip
    made(api, "/watches", {"name": "Silent"})
    made(api, "/watches/silent/parents", {"parents": ["backup"]}, "PUT")
    made(api, "/jobs", {
        "name": "Load", "schedule": "every 5m", "max_attempts": 3, "overlap": "queue_one",
        "action": {"kind": "http", "method": "POST", "url": "https://x.example/?key=s3cret-url",
                   "headers": [["Authorization", "s3cret-head"], ["Accept", "text/plain"]]},
    })  # fmt: skip
    made(api, "/jobs", {
        "name": "Script", "action": {"kind": "script", "language": "bash",
                                     "source": "set -e\necho hello\n", "env": {"A": "s3cret-env"}},
    })  # fmt: skip
    made(api, "/jobs/load/actions", {"actions": [
        {"on": "failure", "channel": ops["id"], "message": "{{event.error}}"},
        {"on": "success", "run": "script"},
    ]}, "PUT")  # fmt: skip
    made(api, "/probes", {
        "name": "Shop", "schedule": "60", "rechecks": 1,
        "target": {"kind": "http", "url": "https://shop.example/health"},
    })  # fmt: skip
    made(api, "/workflows", {
        "name": "Flow", "nodes": [{"key": "a", "job": "load"}, {"key": "b", "job": "script"}],
        "edges": [{"source": "a", "target": "b", "on": "failure"}], "max_runs": 9,
    })  # fmt: skip
    made(api, "/rules", {
        "channel_id": ops["id"], "events": ["down"], "delay_s": 60,
        "scope": {"kind": "watches", "values": ["backup"]},
        "quiet": {"start": "22:00", "end": "07:00", "timezone": "Europe/Warsaw"},
        "escalations": [{"channel_id": chat["id"], "after_s": 600}],
    })  # fmt: skip
    made(api, "/rules", {"channel_id": chat["id"]})
    made(api, "/maintenance", {
        "name": "Upgrades", "scope": {"kind": "tags", "values": ["db"]},
        "window": {"kind": "weekly", "days": ["sat"], "start": "22:00", "duration_s": 7200},
    })  # fmt: skip
    made(api, "/maintenance", {
        "name": "Move",
        "window": {"kind": "once", "start_at": "2036-01-05T22:00:00Z",
                   "end_at": "2036-01-06T02:00:00Z"},
    })  # fmt: skip
    made(api, "/variables/TOKEN", {"value": "s3cret-value", "description": "Of the shop."}, "PUT")
    made(api, "/status-pages", {
        "title": "Shop", "slug": "shop", "public": True,
        "items": [{"name": "Backups", "watch": "backup"}, {"name": "All", "tag": "db"}],
    })  # fmt: skip


def with_secrets(text: str) -> str:
    """Return an exported file with values where secrets stand, as a fresh instance needs them."""
    return text.replace("'***'", "given").replace('"***"', "given").replace("***", "given")


def test_export_apply_elsewhere_export_is_equal_to_the_byte(
    api: Client, manual_clock: ManualClock, migrated_sqlite: Path, tmp_path: Path
) -> None:
    lived_in(api)
    text = exported(api)
    assert "s3cret" not in text
    assert all(read(text)[name] for name in SECTIONS if name != "projects")
    copy = shutil.copy(migrated_sqlite, tmp_path / "other.db")
    with closing(Database.open(f"sqlite:///{copy}")) as database:
        other = house_on(database, manual_clock).client("*")
        refused = apply(other, text)
        assert refused.status == 422
        assert "keeps" in refused.text
        filled = with_secrets(text).replace("url: given", "url: https://hooks.slack.com/services/a")
        done = apply(other, filled)
        assert done.status == 200, done.text
        assert exported(other) == text
        assert apply(other, text).json["diff"] == ""
        assert exported(other) == text


def test_a_file_that_says_what_is_so_changes_nothing(api: Client) -> None:
    lived_in(api)
    text = exported(api)
    before = api("GET", "/workflows/flow").json["version"]
    done = apply(api, text).json
    assert (done["made"], done["changed"], done["removed"], done["diff"]) == ([], [], [], "")
    assert done["items"] == 6
    assert api("GET", "/workflows/flow").json["version"] == before
    shown = api("GET", "/jobs/load").json
    assert shown["action"]["headers"][0] == ["Authorization", "***"]


def test_each_thing_is_changed_by_its_name(api: Client) -> None:
    lived_in(api)
    text = exported(api)
    changes = {
        "start_by_s: 1200": "start_by_s: 600", "max_attempts: 3": "priority: 2",
        "echo hello": "echo again", "rechecks: 1": "rechecks: 3", "key: b": "key: c",
        "target: b": "target: c", "Of the shop.": "Of the other shop.",
        "delay_s: 60": "delay_s: 90", "duration_s: 7200": "duration_s: 3600",
        "public: true": "public: false", "group_window_s: 30": "group_window_s: 40",
    }  # fmt: skip
    for before, after in changes.items():
        assert before in text
        text = text.replace(before, after)
    done = apply(api, text)
    assert done.status == 200, done.text
    assert set(done.json["changed"]) >= {
        "watches backup", "jobs load", "jobs script", "probes shop", "workflows flow",
        "variables TOKEN", "channels Chat", "status_pages shop",
    }  # fmt: skip
    assert exported(api) == text.replace("  public: false\n", "")


def test_a_dry_run_tells_and_changes_nothing(api: Client) -> None:
    done = apply(api, WATCH.format(when="0 2 * * *"), dry_run=True)
    assert done.json["made"] == ["watches backup"]
    assert "+- slug: backup" in done.json["diff"]
    assert exported(api) == "dogwatch: 1\n"
    assert api("GET", "/manifests").json["data"] == []


def test_what_is_kept_in_a_file_is_changed_there_alone(api: Client) -> None:
    assert apply(api, WATCH.format(when="0 2 * * *"), "ours.yaml").status == 200
    refused = api("PATCH", "/watches/backup", {"name": "Other"})
    assert refused.status == 409
    assert "kept in ours.yaml" in refused.json["detail"]
    other = apply(api, WATCH.format(when="0 3 * * *"), "theirs.yaml")
    assert other.status == 409
    assert apply(api, WATCH.format(when="0 4 * * *"), "ours.yaml").status == 200
    assert api("GET", "/watches/backup").json["schedule"] == "0 4 * * *"
    assert api("POST", "/watches/backup/pause", {}).status == 200
    assert api("POST", "/manifests/release", {"item": "backup"}).json["slug"] == "backup"
    assert api("PATCH", "/watches/backup", {"name": "Other"}).status == 200


def test_a_broken_file_leaves_all_as_it_was_and_says_why(api: Client) -> None:
    assert apply(api, WATCH.format(when="0 2 * * *")).status == 200
    before = exported(api)
    text = before + "jobs:\n- slug: load\n  name: Load\n  action:\n    kind: fax\n"
    refused = apply(api, text.replace("Backup", "Changed"))
    assert refused.status == 422
    assert "jobs.0.action.kind: line 11: use http or script" in refused.json["detail"]
    assert exported(api) == before
    (file,) = api("GET", "/manifests").json["data"]
    assert file["applied_at"]
    assert "jobs.0.action.kind" in file["fault"]
    assert apply(api, before).status == 200
    assert api("GET", "/manifests").json["data"][0]["fault"] == ""


def test_faults_that_only_the_store_knows_undo_everything(api: Client) -> None:
    flow = "workflows:\n- slug: flow\n  name: Flow\n  nodes:\n  - {key: a, job: nobody}\n"
    refused = apply(api, WATCH.format(when="0 2 * * *") + flow)
    assert refused.status == 422
    told = "workflows.0.nodes.0.job: line 10: there is no job 'nobody'"
    assert told in refused.json["detail"]
    assert exported(api) == "dogwatch: 1\n"
    rule = "rules:\n- channel: Nobody\n"
    assert "there is no channel" in apply(api, "dogwatch: 1\n" + rule).text
    twice = WATCH.format(when="0 2 * * *") + "- {slug: backup, name: Again}\n"
    assert "stands twice" in apply(api, twice).text


def test_pruning_deletes_what_the_file_no_longer_names(api: Client) -> None:
    two = WATCH.format(when="0 2 * * *") + "- {slug: extra, name: Extra}\n"
    assert apply(api, two).json["items"] == 2
    api("POST", "/watches", {"name": "Ours"})
    one = WATCH.format(when="0 2 * * *")
    assert apply(api, one, dry_run=True, prune=True).json["removed"] == ["watches extra"]
    assert apply(api, one).json["removed"] == []
    assert api("PATCH", "/watches/extra", {"name": "Free"}).status == 200
    assert apply(api, two).status == 200
    assert apply(api, one, prune=True).json["removed"] == ["watches extra"]
    assert api("GET", "/watches/extra").status == 404
    assert api("GET", "/watches/ours").status == 200


def test_a_file_is_let_go(api: Client) -> None:
    assert apply(api, WATCH.format(when="0 2 * * *"), "a file.yaml").status == 200
    assert api("DELETE", "/manifests/a%20file.yaml").status == 204
    assert api("DELETE", "/manifests/other").status == 404
    assert api("PATCH", "/watches/backup", {"name": "Other"}).status == 200


def test_a_key_needs_the_scopes_of_what_it_applies(house: House) -> None:
    some = house.client("write:watches", "read:watches")
    assert apply(some, WATCH.format(when="0 2 * * *")).status == 403
    assert some("GET", "/manifests/export").status == 403


@pytest.mark.parametrize("kind", ["watches", "jobs", "probes", "workflows"])
def test_a_slug_of_another_kind_is_refused(api: Client, kind: str) -> None:
    other = "jobs" if kind == "watches" else "watches"
    bodies: dict[str, str] = {
        "watches": "",
        "jobs": ", action: {kind: http, url: 'http://x.example'}",
        "probes": ", schedule: '60', target: {kind: http, url: 'http://x.example'}",
        "workflows": ", nodes: []",
    }
    for section, status in ((other, 200), (kind, 409)):
        text = f"dogwatch: 1\n{section}:\n- {{slug: a, name: A{bodies[section]}}}\n"
        assert apply(api, text).status == status
