"""A store that has been lived in: something in every table, some of it still to be done."""

from dataclasses import replace

from dogwatch.core.alerts import Scope, Verdict
from dogwatch.core.dialects import UUID
from dogwatch.core.ping import Kind
from dogwatch.core.policy import Role
from dogwatch.core.run import Overlap
from dogwatch.core.statistics import Tally
from dogwatch.core.status_page import Item, PageSpec
from dogwatch.core.windows import WindowSpec
from dogwatch.store import probes, results, rollups, untaken, users
from dogwatch.store.runs import append_output
from dogwatch.usecases import (
    aliases,
    audit_log,
    dependencies,
    dialect_settings,
    environments,
    incidents,
    keyring,
    keys,
    maintenance,
    manifests,
    members,
    people,
    projects,
    setup,
    status_pages,
    variables,
    watches,
)
from dogwatch.usecases.callers import host
from tests.harness.house import House, after, heard


def lived_in(house: House) -> House:
    """Leave something in every table, in the first 650 seconds."""
    house.do(keyring.claim, house.vault)
    house.do(keys.add, house.workspace.id, "ci", ["*"], house.vault, after(0))
    house.join("a")
    house.channel()
    one, job = house.watch("one", tags=("ä", "b")), house.job(overlap=Overlap.ALLOW)
    house.do(aliases.give, one, "healthchecks")
    house.do(dialect_settings.put, house.workspace.id, "cronbeats", {"alert_on_down": False})
    house.do(projects.make, house.workspace.id, "Shöp", "https://x.example", UUID, after(0))
    house.ping(heard(one, 0, body="Zeile \U0001f415\n"), heard(one, 1, Kind.FAIL))
    house.settle(house.parcels(2)[0], 2, Verdict.RETRY)
    _trouble(house)
    asked = {(*one.key, rollups.HOUR, rollups.hour_of(after(0))): Tally(1, 0, 0, 10, {24: 1})}
    house.do(rollups.add, asked)
    house.do(probes.arrange, one.key, ["fra"], None)
    house.do(untaken.note, one.workspace_id, [(one.id, "fra", after(0))], after(60))
    house.fire(60)
    (work,) = house.claim(60)
    house.do(append_output, job.workspace_id, work.run.id, [(0, "stdout", "hi")])
    mine = job.workspace_id, work.run.id
    house.do(lambda tx: results.put(tx, *mine, output="[1]", condition=True))
    house.do(environments.give, house.vault, *mine, {"WHO": "Ana"})
    house.do(variables.put, house.vault, house.workspace.id, "KEY", "välue", after(5), "words")
    house.do(variables.note_uses, house.workspace.id, job.id, ["KEY"], ["OTHER"], after(5))
    house.finish(work, 61, phases_ms={"dns": 0.25})
    house.fire(120)
    house.claim(120)
    house.fire(180)
    house.join("b", 650)
    _workflow(house, job.id, work.run.id)
    _status_page(house, one.id)
    house.do(
        manifests.note, house.workspace.id, "dogwatch.yaml", [("item", one.id)], "Ana", after(7)
    )
    _people(house)
    _resting(house)
    return house


def _resting(house: House) -> None:
    """Have a watch with another schedule than before, and a pause that ends by itself."""
    spec = watches.spec_of(house.watch("resting"))
    house.on("resting", watches.edit, replace(spec, schedule="every 2h"), after(8))
    house.on("resting", watches.pause, after(9), after(90_000))


def _status_page(house: House, watch_id: str) -> None:
    """Have a page for anybody, and a post on it."""
    spec = PageSpec(title="Shöp", items=(Item(name="Ordering", watch=watch_id),))
    page = house.do(status_pages.add, house.workspace.id, spec, after(5))
    house.do(status_pages.post, page, "Slow", "minor", "investigating", "We look.", after(6))


def _trouble(house: House) -> None:
    """Have somebody see the incident, a watch depend on another, and a window come."""
    workspace_id = house.workspace.id
    house.do(dependencies.set_parents, workspace_id, "job", ["one"], after(3))
    house.do(incidents.snooze, workspace_id, "1", "Ana", 3600, after(4))
    night = WindowSpec("weekly", days=("sat",), start="22:00", duration_s=3600)
    house.do(maintenance.add, workspace_id, "Upgrades", Scope(), night, after(5))


def _workflow(house: House, watch_id: str, run_id: str) -> None:
    """Leave rows of a workflow, of a run that is over, and of what followed it."""
    of_watch = {"workspace_id": house.workspace.id, "watch_id": watch_id}
    of_run = {"workspace_id": house.workspace.id, "run_id": run_id}
    definition = {"name": "w", "nodes": [{"key": "a", "job": watch_id}], "edges": []}
    house.put("workflows", **of_watch, version=1, hook_hash=b"h")
    house.put(
        "workflow_versions", **of_watch, number=1, definition=definition, made_at=after(1),
        made_by="Ana",
    )  # fmt: skip
    house.put("workflow_runs", **of_run, watch_id=watch_id, version=1, ended_at=after(9))
    house.put("workflow_steps", **of_run, node="a", outcome="ok", reason="", timeout_s=0.5)
    house.put("effects", **of_run, seq=0, action={"on": "always", "run": "x"}, state="done",
              reason="")  # fmt: skip


def _people(house: House) -> None:
    """Set up the instance, with a second factor, an open invitation and somebody signed in."""
    code = house.do(setup.offer, house.vault, after(0)) or ""
    ana = house.do(setup.claim, code, "ana@example.org", "Ana", "hash", house.vault, after(1))
    assert ana
    house.do(users.link, ana.id, "https://id.example.org", "ana")
    house.do(users.set_recovery_codes, ana.id, [house.vault.keyed_hash("code", "recovery-code")])
    house.do(people.begin_session, ana, house.vault, after(2), "Firefox", "::1")
    me = host(house.workspace.id)
    house.do(members.invite, me, "ben@example.org", Role.VIEWER, house.vault, after(3))
    house.do(audit_log.note, me, "invitations.make", "ben@example.org", after(3))
