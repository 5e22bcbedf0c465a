"""/manifests: a workspace as a file, there and back; what is kept in one; what is refused."""

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dogwatch.core.manifest.text import MAX_LENGTH, MOST_FAULTS, SECTIONS, read
from dogwatch.core.ping import Answer as PingAnswer
from dogwatch.core.ping import Heard
from dogwatch.core.problems import Problem
from dogwatch.store.database import Database, Tx
from dogwatch.usecases import callers, manifests, pings, variables, watches, workspaces
from dogwatch.web.api.manifest.plan import Stale
from dogwatch.web.api.manifest.present import read as read_present
from dogwatch.web.api.manifest.whole import judge, planned
from tests.harness.clock import ManualClock
from tests.harness.house import statements
from tests.web.api.conftest import House, house_on
from tests.web.asgi_client import Answer, Client

WATCH = "dogwatch: 1\nwatches:\n- slug: backup\n  name: Backup\n  schedule: {when}\n"

SHOP = {"kind": "http", "url": "https://shop.example/health", "assertions": [
    {"kind": "body_contains", "text": "well"},
    {"kind": "json", "path": "$.up", "is": "equals", "value": True, "degrades": True},
]}  # fmt: skip


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
    made(api, "/probes", {"name": "Shop", "schedule": "60", "rechecks": 1, "target": SHOP})
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
    assert "schedule: every 1m\n" in text
    assert "- kind: body_contains\n      text: well\n    - kind: json\n" in text
    assert "degrades: false" not in text
    text = text.replace("schedule: every 1m\n", "schedule: 60\n")
    before = api("GET", "/workflows/flow").json["version"]
    done = apply(api, text).json
    assert (done["made"], done["changed"], done["removed"], done["diff"]) == ([], [], [], "")
    assert done["items"] == 6
    assert api("GET", "/workflows/flow").json["version"] == before
    shown = api("GET", "/jobs/load").json
    assert shown["action"]["headers"][0] == ["Authorization", "***"]


def test_what_a_file_makes_is_listed_in_its_order(api: Client) -> None:
    job = "  action: {kind: http, url: 'https://x.example/'}\n"
    slugs = {
        "watches": ["z", "m", "a", "q", "b"],
        "probes": ["y", "c"],
        "jobs": ["x", "d"],
        "workflows": ["w", "e", "v"],
    }
    more = {
        "watches": "",
        "probes": "  target: {kind: tcp, host: x.example, port: 1}\n",
        "jobs": job,
        "workflows": "  nodes: [{key: a, job: x}]\n",
    }
    text = "dogwatch: 1\n" + "".join(
        f"{kind}:\n"
        + "".join(f"- slug: {slug}\n  name: {slug}\n  schedule: 60\n{more[kind]}" for slug in some)
        for kind, some in slugs.items()
    )
    assert apply(api, text).status == 200
    listed = [one["slug"] for one in api("GET", "/watches").json["data"]]
    assert listed == [slug for some in slugs.values() for slug in some]


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


def test_a_window_that_is_over_may_go_on_to_stand_in_its_file(house: House) -> None:
    api = house.client("*")
    text = (
        "dogwatch: 1\nmaintenance:\n- name: Upgrade\n  window:\n    kind: once\n"
        "    start_at: 2026-01-05T13:00:00Z\n    end_at: 2026-01-05T14:00:00Z\n"
    )
    assert apply(api, text).json["made"] == ["maintenance Upgrade"]
    house.clock.advance(86_400)
    again = apply(api, text)
    assert (again.status, again.json["diff"]) == (200, ""), again.text
    wrong = apply(api, text.replace("Upgrade", "Another"))
    assert "is over already" in wrong.text


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
    assert "dogwatch release backup" in refused.json["detail"]
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


def test_a_name_alone_where_a_secret_stands_is_refused_with_all_other_faults(api: Client) -> None:
    text = WATCH.format(when="never") + "variables:\n- key: DBPW\n  value: ${DBPW}\n"
    refused = apply(api, text, dry_run=True)
    found = {one["field"]: one["message"] for one in refused.json["errors"]}
    told = "line 8: fill in ${DBPW} first, by hand or by envsubst '$DBPW'"
    assert (refused.status, found["variables.0.value"]) == (422, told)
    assert "watches.0.schedule" in found


def test_the_examples_of_the_docs_can_be_applied_as_they_stand(api: Client) -> None:
    docs = Path(__file__).parents[3] / "docs" / "files.md"
    for part in docs.read_text().split("```yaml\n")[1:]:
        text = part.partition("```")[0]
        done = apply(api, text.replace("'***'", "given"))
        assert done.status == 200, done.text


def test_pruning_deletes_what_the_file_no_longer_names(api: Client) -> None:
    two = WATCH.format(when="0 2 * * *") + "- {slug: extra, name: Extra}\n"
    assert apply(api, two).json["items"] == 2
    api("POST", "/watches", {"name": "Ours"})
    one = WATCH.format(when="0 2 * * *")
    assert apply(api, one, dry_run=True, prune=True).json["removed"] == ["watches extra"]
    free = apply(api, one).json
    assert (free["removed"], free["released"]) == ([], ["extra"])
    assert api("PATCH", "/watches/extra", {"name": "Free"}).status == 200
    assert apply(api, two, dry_run=True).json["kept"] == ["extra"]
    assert apply(api, two).json["kept"] == ["extra"]
    assert apply(api, two).json["kept"] == []
    assert apply(api, two, name="other.yaml").status == 409
    assert apply(api, one, prune=True).json["removed"] == ["watches extra"]
    assert api("GET", "/watches/extra").status == 404
    assert api("GET", "/watches/ours").status == 200


INSIDE = "http://169.254.169.254/x"


async def blocked(host: str, _named: bool) -> tuple[str, str] | None:
    """Block one address."""
    return (host, "link-local") if host == "169.254.169.254" else None


def test_addresses_that_nothing_may_connect_to_are_refused_with_their_place(house: House) -> None:
    text = (
        "dogwatch: 1\n"
        f"channels: [{{name: Ops, kind: webhook, settings: {{url: '{INSIDE}'}}}}]\n"
        "probes: [{slug: p1, name: P, schedule: '60', "
        f"target: {{kind: http, url: '{INSIDE}'}}}}]\n"
        f"jobs: [{{slug: j1, name: J, action: {{kind: http, url: '{INSIDE}'}}}}]\n"
    )
    refused = apply(house.client("*", blocked=blocked), text)
    assert refused.status == 422
    told = {error["field"]: error["message"] for error in refused.json["errors"]}
    assert set(told) == {"channels.0.settings.url", "probes.0.target.url", "jobs.0.action.url"}
    assert told["probes.0.target.url"].startswith("line 3: nothing may connect to 169.254.169.254")


JOB = "- {slug: %s, name: J, action: {kind: http, url: 'http://x.example'}}\n"


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ("workflows: [{slug: flow1, name: F, nodes: [{key: a, job: j2}]}]\n", "workflows.0"),
        ("watches: [{slug: w1, name: W, parents: [j2]}]\n", "watches.0.parents"),
        ("status_pages: [{slug: page1, title: S, items: [{name: J, watch: j2}]}]\n", "status_pa"),
        ("rules: [{channel: C, scope: {kind: watches, values: [j2]}}]\n", "rules.0"),
    ],
)
def test_what_names_a_pruned_item_is_refused(api: Client, more: str, field: str) -> None:
    head = "dogwatch: 1\njobs:\n" + JOB % "j1"
    ours = "channels: [{name: C, kind: webhook, settings: {url: 'http://x.example'}}]\n"
    assert apply(api, head + JOB % "j2" + ours + more).status == 200
    refused = apply(api, head + ours + more, prune=True)
    assert refused.status == 422, refused.text
    assert refused.json["errors"][0]["field"].startswith(field)
    assert api("GET", "/jobs/j2").status == 200


def test_actions_do_not_run_a_pruned_item(api: Client) -> None:
    one = JOB % "j1"
    one = "dogwatch: 1\njobs:\n" + one.replace("}}", "}, actions: [{on: success, run: j2}]}")
    assert apply(api, one + JOB % "j2").status == 200
    assert apply(api, one, prune=True).status == 422
    assert api("GET", "/jobs/j2").status == 200


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("channels: [{name: q, kind: nosuch, settings: {}}]\n", "channels.0.kind: line 2: use one"),
        ("watches: [{slug: a1, name: A, tags: [a], 'tags.²': 1}]\n", "line 2"),
        (
            "channels:\n- {name: twin, kind: webhook, settings: {url: 'http://x.example'}}\n"
            "- {name: ' twin', kind: webhook, settings: {url: 'http://x.example'}}\n",
            "channels.1: line 4: 'twin' stands twice",
        ),
        (
            "channels: [{name: C, kind: webhook, settings: {url: 'http://x.example'}}]\n"
            "rules: [{channel: C, escalations: [{channel: nope, after_s: 300}]}]\n",
            "rules.0.escalations.0.channel: line 3: there is no channel 'nope'",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_line(api: Client, text: str, told: str) -> None:
    refused = apply(api, "dogwatch: 1\n" + text)
    assert refused.status == 422
    assert told in refused.json["detail"]


def test_an_order_is_turned_around(api: Client) -> None:
    text = "dogwatch: 1\nwatches:\n- {slug: wa, name: A%s}\n- {slug: wb, name: B%s}\n"
    for above in ((", parents: [wb]", ""), ("", ", parents: [wa]"), (", parents: [wb]", "")):
        done = apply(api, text % above)
        assert done.status == 200, done.text
    circle = apply(api, text % (", parents: [wb]", ", parents: [wa]"))
    assert "in a circle" in circle.json["detail"]


def test_what_is_secret_is_told_as_changed_without_its_value(api: Client) -> None:
    lived_in(api)
    text = exported(api)
    other = text.replace("value: '***'", "value: s3cret-other").replace(
        "value: ***", "value: s3cret-other"
    )
    other = other.replace('value: "***"', "value: s3cret-other").replace("A: '***'", "A: new-env")
    other = other.replace("A: ***", "A: new-env").replace('A: "***"', "A: new-env")
    tried = apply(api, other, dry_run=True).json
    assert tried["changed"] == ["variables TOKEN", "jobs script"]
    assert "changed variables TOKEN" in tried["diff"]
    assert "s3cret" not in tried["diff"]
    assert apply(api, other).json["changed"] == tried["changed"]
    assert apply(api, other).json["changed"] == []


def test_a_file_that_was_never_applied_leaves_nothing(api: Client) -> None:
    assert apply(api, "dogwatch: 2\n").status == 422
    assert api("GET", "/manifests").json["data"] == []


def test_many_faults_are_judged_no_further_than_the_first(api: Client) -> None:
    with pytest.raises(Problem) as refused:
        judge({"watches": [{} for _ in range(15_000)]})
    assert MOST_FAULTS <= len(refused.value.fields) < 2 * MOST_FAULTS
    assert apply(api, "dogwatch: 1\nwatches:\n" + "- {}\n" * 100).status == 422


def test_files_are_applied_one_after_the_other(house: House) -> None:
    text = (
        "dogwatch: 1\nchannels: [{name: C, kind: webhook, settings: {url: 'http://x.example'}}]\n"
        "rules: [{channel: C, delay_s: 5}]\n"
    )
    clients = [house.client("*") for _ in range(4)]
    with ThreadPoolExecutor(len(clients)) as pool:
        done = list(pool.map(lambda one: apply(one, text), clients))
    assert {one.status for one in done} == {200}
    assert exported(clients[0]).count("name: C") == 1
    assert exported(clients[0]).count("channel: C") == 1


def test_a_file_is_let_go(api: Client) -> None:
    assert apply(api, WATCH.format(when="0 2 * * *"), "a file.yaml").status == 200
    assert api("POST", "/manifests/forget", {"name": "a file.yaml"}).status == 200
    assert api("POST", "/manifests/forget", {"name": "other"}).status == 404
    assert apply(api, "dogwatch: 1\n", "a/b.yaml").status == 200
    assert api("POST", "/manifests/forget", {"name": "a/b.yaml"}).status == 200
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


ALL = """dogwatch: 1
projects: [{label: Shop, name: The shop}]
variables: [{key: TOKEN, value: s3cret}, {key: FREE, value: '***'}]
channels: [{name: Ops, kind: webhook, settings: {url: 'http://x.example'}}]
watches: [{slug: wa, name: A, parents: [wb]}, {slug: wb, name: B}]
jobs: [{slug: load, name: L, action: {kind: http, url: 'http://x.example'}}]
rules: [{channel: Ops, delay_s: 5}]
maintenance:
- {name: Night, window: {kind: weekly, days: [sat], start: '22:00', duration_s: 60}}
status_pages: [{slug: shop, title: Shop, items: [{name: A, watch: wa}]}]
"""


def first(api: Client, path: str) -> Any:
    return api("GET", path).json["data"][0]


def test_all_kinds_that_a_file_keeps_are_changed_there_alone(api: Client) -> None:
    made(api, "/variables/FREE", {"value": "1"}, "PUT")
    assert apply(api, ALL, "ours.yaml").status == 200
    channel, rule = first(api, "/channels"), first(api, "/rules")
    window = first(api, "/maintenance")
    tried: list[tuple[str, str, dict[str, Any]]] = [
        ("PATCH", f"/channels/{channel['id']}", {"name": "Other"}),
        ("PATCH", f"/channels/{channel['id']}", {"group_window_s": 5}),
        ("PATCH", f"/rules/{rule['id']}", {"delay_s": 9}),
        ("PATCH", f"/maintenance/{window['id']}", {"name": "Day"}),
        ("PUT", "/variables/TOKEN", {"value": "other"}),
        ("PATCH", "/variables/TOKEN", {"description": "other"}),
        ("PATCH", "/status-pages/shop", {"title": "Other"}),
        ("PUT", "/watches/wa/parents", {"parents": []}),
        ("PUT", "/jobs/load/actions", {"actions": [{"on": "always", "run": "load"}]}),
    ]
    before = exported(api)
    for method, path, body in tried:
        refused = api(method, path, body)
        assert (refused.status, "kept in ours.yaml" in refused.text) == (409, True), path
        command = refused.json["detail"].rpartition("(dogwatch release ")[2].rstrip(")")
        kind, _, own = command.removeprefix("--kind ").rpartition(" ")
        assert api("POST", "/manifests/release", {"item": own, "kind": kind or "item"}).status in (
            200, 404,
        )  # fmt: skip
        apply(api, ALL, "ours.yaml")
    assert exported(api) == before
    assert api("PATCH", f"/channels/{channel['id']}", {"enabled": False}).status == 200
    assert api("PUT", "/variables/FREE", {"value": "2"}).status == 200
    assert api("DELETE", f"/rules/{rule['id']}").status == 204
    assert apply(api, ALL, "ours.yaml").json["made"] == ["rules Ops"]
    assert api("POST", "/manifests/forget", {"name": "ours.yaml"}).status == 200
    assert api("PATCH", "/status-pages/shop", {"title": "Other"}).status == 200


def test_what_a_run_sets_is_set_whatever_keeps_it(house: House) -> None:
    api = house.client("*")
    assert apply(api, ALL.replace(", {key: FREE, value: '***'}", "")).status == 200
    vault, at, where = house.services.vault, house.clock.now(), house.workspace.id
    house.write(lambda tx: variables.put(tx, vault, where, "TOKEN", "next", at, by_run=True))
    assert house.write(lambda tx: variables.value(tx, vault, where, "TOKEN")) == "next"


def test_rules_that_others_made_later_stay(api: Client) -> None:
    head = (
        "dogwatch: 1\nchannels: [{name: Ops, kind: webhook, settings: {url: 'http://x.example'}}]\n"
    )
    assert apply(api, head).status == 200
    channel = first(api, "/channels")["id"]
    made(api, "/rules", {"channel_id": channel, "delay_s": 1})
    done = apply(api, head + "rules: [{channel: Ops, delay_s: 5}]\n").json
    assert (done["made"], done["removed"]) == (["rules Ops"], ["rules Ops (2)"])
    made(api, "/rules", {"channel_id": channel, "delay_s": 2})
    done = apply(api, head + "rules: [{channel: Ops, delay_s: 7}]\n").json
    assert (done["made"], done["removed"]) == (["rules Ops"], ["rules Ops (2)"])
    found = {one["delay_s"] for one in api("GET", "/rules").json["data"]}
    assert found == {7, 2}
    other = apply(api, "dogwatch: 1\nrules: [{channel: Ops, delay_s: 9}]\n", "other.yaml")
    assert other.status == 200
    assert {one["delay_s"] for one in api("GET", "/rules").json["data"]} == {7, 9}


def test_what_was_made_by_hand_stays_unless_it_is_pruned(api: Client) -> None:
    made(api, "/channels", {
        "name": "Ops", "kind": "webhook", "settings": {"url": "http://x.example"}
    })  # fmt: skip
    own = first(api, "/channels")["id"]
    for delay_s, scope in ((1, {"kind": "all"}), (2, {"kind": "tags", "values": ["db"]})):
        made(api, "/rules", {"channel_id": own, "delay_s": delay_s, "scope": scope})
    window = {"kind": "cron", "cron": "0 3 * * *", "duration_s": 60}
    for name in ("Upgrades", "Backups"):
        made(api, "/maintenance", {"name": name, "window": window})
    text = (
        "dogwatch: 1\nrules: [{channel: Ops, delay_s: 9}]\n"
        "maintenance: [{name: Upgrades, window: {kind: cron, cron: 0 4 * * *, duration_s: 60}}]\n"
    )
    pruned = apply(api, text, dry_run=True, prune=True).json
    assert len(pruned["removed"]) == 4
    assert len(apply(api, text).json["removed"]) == 2  # those of one name, which it says anew
    assert {one["delay_s"] for one in api("GET", "/rules").json["data"]} == {9, 2}
    found = [one["name"] for one in api("GET", "/maintenance").json["data"]]
    assert sorted(found) == ["Backups", "Upgrades"]
    again = apply(api, text, prune=True).json  # made by hand beside a file's
    assert (again["made"], again["removed"]) == ([], [])
    assert len(apply(api, "dogwatch: 1\nmaintenance: []\n").json["removed"]) == 2
    assert {one["delay_s"] for one in api("GET", "/rules").json["data"]} == {2}
    assert [one["name"] for one in api("GET", "/maintenance").json["data"]] == ["Backups"]


PROBES = "probes: [{0}]\n"
PROBE = "{{slug: p{0}, name: P, schedule: {1}, target: {{kind: tcp, host: x.example, port: 1}}}}"


@pytest.mark.parametrize(
    ("text", "field", "told"),
    [
        (PROBES.format(PROBE.format(1, 600) + ", " + PROBE.format(2, 600)), "", "1 http monitors"),
        (PROBES.format(PROBE.format(1, 60)), "schedule", "every 300 seconds at most"),
    ],
)  # fmt: skip
def test_a_dry_run_tells_of_every_limit(house: House, text: str, field: str, told: str) -> None:
    house.write(lambda tx: workspaces.assign(tx, house.workspace.id, "free"))
    refused = apply(house.client("*"), f"dogwatch: 1\n{text}", dry_run=True)
    assert (refused.status // 100, told in refused.text) == (4, True), refused.text
    assert field in refused.text


def test_new_items_are_written_together(house: House) -> None:
    """A hundred take hardly more statements than ten: meanwhile nobody else can write."""
    few, many = (_statements(house, name, count) for name, count in (("a", 10), ("b", 100)))
    assert many <= few + 20


def _statements(house: House, name: str, count: int) -> int:
    """Return how many statements new items take."""
    own, services, at = house.workspace.id, house.services, house.clock.now()
    probes = ", ".join(PROBE.format(f"{name}{n}", 600) for n in range(count))
    jobs = ", ".join(
        f"{{slug: j{name}{n}, name: J, action: {{kind: http, url: 'http://x.example'}}}}"
        for n in range(count)
    )
    document = read(f"dogwatch: 1\nprobes: [{probes}]\njobs: [{jobs}]\n")
    present = house.write(lambda tx: read_present(tx, own, services.vault, at))
    plan = planned(present, services, callers.host(own), f"{name}.yaml", document, prune=False)

    def carried(tx: Tx) -> int:
        with statements(tx.conn) as sent:
            plan.carry_out(tx)
        return len(sent)

    return house.write(carried)


def test_channels_of_one_name_keep_their_keys(api: Client) -> None:
    url = "https://ops.example/{}"
    ids = [
        made(api, "/channels", {
            "name": "Ops", "kind": "webhook", "settings": {"url": url.format(name)},
        })["id"]
        for name in "ab"
    ]  # fmt: skip
    text = exported(api)
    assert text.count("key: Ops (") == 2
    refused = apply(
        api, "dogwatch: 1\nchannels: [{name: Ops, kind: slack, settings: {url: 'http://x'}}]\n"
    )
    assert "several channels are called so; say which by key: Ops (" in refused.json["detail"]
    changed = text.replace(url.format("a"), url.format("z"))
    assert len(apply(api, changed).json["changed"]) == 1
    found = {one["id"]: one["settings"]["url"] for one in api("GET", "/channels").json["data"]}
    assert found == {ids[0]: url.format("z"), ids[1]: url.format("b")}
    assert api("DELETE", f"/channels/{ids[0]}").status == 204
    assert apply(api, exported(api)).json["diff"] == ""
    assert found[ids[1]] == first(api, "/channels")["settings"]["url"]
    renamed = exported(api).replace("name: Ops", "name: Night shift")
    assert len(apply(api, renamed).json["changed"]) == 1
    assert first(api, "/channels")["name"] == "Night shift"


def test_all_that_keeps_nothing_is_named_at_once(api: Client) -> None:
    text = (
        "dogwatch: 1\nvariables: [{key: A, value: '***'}, {key: B, value: '***'}]\n"
        "jobs: [{slug: j1, name: J, action: {kind: http, url: 'http://x.example?key=***',\n"
        "  headers: [[Authorization, '***'], [Cookie, '***']]}}]\n"
        "watches: [{slug: w1, name: W, parents: [nobody]}]\n"
    )
    refused = apply(api, text, dry_run=True)
    assert refused.status == 422
    assert {one["field"] for one in refused.json["errors"]} == {
        "variables.0.value", "variables.1.value", "watches.0.parents.0", "jobs.0.action.url",
        "jobs.0.action.headers.Authorization", "jobs.0.action.headers.Cookie",
    }  # fmt: skip


def test_usual_values_are_left_out(api: Client) -> None:
    lived_in(api)
    made(api, "/probes", {
        "name": "Certificate", "schedule": "3600", "target": {"kind": "tls", "host": "x.example"},
    })  # fmt: skip
    text = exported(api)
    for usual in (
        "method: GET", "format:", "port: 443", "timezone: UTC", "verify_tls", "timeout_s",
        "public: false", "target: b\n    on: success",
    ):  # fmt: skip
        assert usual not in text, usual
    assert apply(api, text).json["diff"] == ""


def test_reading_and_applying_are_noted_by_name(house: House) -> None:
    api = house.client("*")
    apply(api, WATCH.format(when="0 2 * * *"), " ours.yaml ")
    exported(api)
    noted = api("GET", "/audit-log").json["data"]
    found = [(one["operation"], one["object"]) for one in noted]
    assert [one for one in found if one[0].startswith("manifests")] == [
        ("manifests.export", ""), ("manifests.apply", "ours.yaml"),
    ]  # fmt: skip


def test_a_plan_of_what_has_passed_writes_nothing_and_is_made_anew(house: House) -> None:
    text = "dogwatch: 1\nwatches: [{slug: a1, name: A}]\n"
    client = house.client("*")
    assert apply(client, text).status == 200
    services, where = house.services, house.workspace.id
    caller = callers.host(where)
    at = house.clock.now()
    present = house.write(lambda tx: read_present(tx, where, services.vault, at))
    later = read(text.replace("name: A", "name: B"))
    plan = planned(present, services, caller, "dogwatch.yaml", later, prune=False)
    made(client, "/watches", {"name": "Meanwhile"})
    with pytest.raises(Stale):
        house.write(plan.carry_out)
    assert client("GET", "/watches/a1").json["name"] == "A"
    assert apply(client, text.replace("name: A", "name: B")).status == 200


def test_nobody_edits_what_a_plan_is_compared_with(
    postgres_url: str, manual_clock: ManualClock
) -> None:
    """On SQLite there is one writer; on PostgreSQL edits wait, and pings go on."""
    writer, other = Database.open(postgres_url), Database.open(postgres_url)
    house = house_on(writer, manual_clock)
    made(house.client("*"), "/watches", {"name": "W", "slug": "w"})
    where, at = house.workspace.id, manual_clock.now()
    compared, over = threading.Event(), threading.Event()

    def compare(tx: Tx) -> None:
        manifests.stamp(tx, where, lock=True)
        compared.set()
        over.wait(60)

    def edit(tx: Tx) -> None:
        watches.pause(tx, watches.find(tx, where, "w", lock=True), at)

    def ping(tx: Tx) -> list[PingAnswer]:
        record = watches.find(tx, where, "w")
        return pings.record(tx, [Heard(key=record.ping_key, at=at)], at)

    try:
        holding = writer.write(compare)
        assert compared.wait(60)
        assert other.write(ping).result(60) == [PingAnswer.RECORDED]
        edited = other.write(edit)
        with pytest.raises(TimeoutError):
            edited.result(0.2)
        over.set()
        holding.result(60)
        edited.result(60)
    finally:
        over.set()
        writer.close()
        other.close()


def test_files_and_edits_beside_each_other(house: House) -> None:
    clients = [house.client("*") for _ in range(3)]
    text = "dogwatch: 1\nwatches:\n" + "".join(f"- {{slug: w{n}, name: W}}\n" for n in range(5))

    def edit(client: Client) -> set[int]:
        return {client("POST", "/watches", {"name": f"N{n}"}).status for n in range(4)}

    def change(client: Client) -> set[int]:
        return {apply(client, text.replace("name: W", f"name: W{n}")).status for n in range(3)}

    with ThreadPoolExecutor(3) as pool:
        parts = [pool.submit(change, clients[0]), pool.submit(edit, clients[1])]
        parts.append(pool.submit(change, clients[2]))
        found = set[int]().union(*(one.result() for one in parts))
    assert found == {200, 201}
    names = {clients[0]("GET", f"/watches/w{n}").json["name"] for n in range(5)}
    assert len(names) == 1


def test_the_longest_file_fits_into_a_body(api: Client) -> None:
    head = WATCH.format(when="every 5m")
    lines = "# as it is\n" * (MAX_LENGTH // len("# as it is\n"))
    whole = head + lines[: MAX_LENGTH - len(head)]
    assert apply(api, whole).json["made"] == ["watches backup"]
    assert "at most 900000 characters" in apply(api, f"{whole}#").text
