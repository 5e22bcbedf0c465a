"""Workflows: made, changed, kept in versions, and the keys of their webhooks."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.exc import IntegrityError

from dogwatch.core.problems import Problem, invalid, refuse
from dogwatch.core.signature import fault
from dogwatch.core.spec import WatchSpec
from dogwatch.core.workflow.definition import Definition, from_json, to_json
from dogwatch.core.workflow.difference import Difference, differences
from dogwatch.core.workflow.graph import Graph
from dogwatch.ids import new_token
from dogwatch.store import jobs, watches, workflows
from dogwatch.store.jobs import JobRow
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Key, Record
from dogwatch.store.workflows import VersionRow, WorkflowRow
from dogwatch.usecases.allowances import admit_schedule
from dogwatch.usecases.runs import seal_action
from dogwatch.usecases.watches import add as add_watch
from dogwatch.usecases.watches import edit as edit_watch
from dogwatch.usecases.watches import find as find_watch
from dogwatch.usecases.watches import slugs_of, spec_of
from dogwatch.vault import Vault

KIND = "workflow"
KEY_BITS = 160
SECRET_BITS = 256
_HASH = "workflow-hook"
_KEY_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Version:
    """A definition as it was saved; its jobs are named by id."""

    number: int
    definition: Definition
    made_at: datetime
    made_by: str


@dataclass(frozen=True, slots=True)
class Webhook:
    """The key that starts a workflow, and the secret that signs its requests, if one does."""

    key: str
    secret: str | None = None


# --- saving -----------------------------------------------------------------------------------


def add(
    tx: Tx, workspace_id: int, definition: Definition, vault: Vault, at: datetime, by: str = ""
) -> Record:
    """Make a workflow with its watch, its first version, and the key of its webhook."""
    graph = check(tx, workspace_id, definition)
    record = add_watch(tx, workspace_id, definition.watch, at, job=True, workflow=True)
    admit_schedule(tx, workspace_id, record.watch.plan.schedule, at)
    jobs.add(tx, _row(record, definition, vault))
    workflows.add(tx, WorkflowRow(*record.key, 0))
    _save(tx, record, replace(definition, watch=spec_of(record), graph=graph), 1, at, by)
    if definition.webhook:
        set_webhook(tx, record, vault)
    tx.wake("schedule")
    return record


def edit(
    tx: Tx, record: Record, definition: Definition, vault: Vault, at: datetime, by: str = ""
) -> Record:
    """Change a workflow whose watch is locked; what is saved differently is another version.

    Open runs go on by the version that they began with.
    """
    graph = check(tx, record.workspace_id, definition)
    before, record = record, edit_watch(tx, record, definition.watch, at)
    if record.schedule != before.schedule:
        admit_schedule(tx, record.workspace_id, record.watch.plan.schedule, at)
    jobs.save(tx, _row(record, definition, vault))
    row = _of(tx, record)
    after = replace(definition, watch=spec_of(record), graph=graph)
    if to_json(after) != to_json(_version(tx, record, row.version).definition):
        number = workflows.versions_of(tx, *record.key, 1)[0].number + 1
        _save(tx, record, after, number, at, by)
    _turn_webhook(tx, record, row, vault, wanted=definition.webhook)
    return record


def check(tx: Tx, workspace_id: int, definition: Definition) -> Graph:
    """Return the graph with its jobs by id; a Problem names every bad field of the definition."""
    bad: dict[str, str] = {}
    try:
        definition.check()
    except Problem as problem:
        bad |= problem.fields
    known = _jobs(tx, workspace_id, definition.graph)
    for index, node in enumerate(definition.graph.nodes):
        if fault := _fault(node.job, known.get(node.job)):
            bad[f"nodes.{index}.job"] = fault
    refuse(bad)
    return definition.graph.with_jobs({name: record.id for name, record in known.items()})


def _jobs(tx: Tx, workspace_id: int, graph: Graph) -> dict[str, Record]:
    """Return the watches that the nodes of a graph name, by the name that they give."""
    names = {node.job for node in graph.nodes}
    by_id = watches.look(tx, workspace_id, names) if names else {}
    slugs = watches.keys_of_slugs(tx, [(workspace_id, name) for name in names - by_id.keys()])
    ids = {slug: key[1] for (_, slug), key in slugs.items()}
    found = watches.look(tx, workspace_id, set(ids.values())) if ids else {}
    return {**by_id, **{slug: found[own_id] for slug, own_id in ids.items()}}


def _fault(name: str, record: Record | None) -> str | None:
    if record is None:
        return f"there is no job {name[:64]!r}"
    return None if record.kind == "job" else f"{record.slug} is a {record.kind}, not a job"


def _row(record: Record, definition: Definition, vault: Vault) -> JobRow:
    sealed = seal_action(vault, *record.key, {})
    return JobRow(*record.key, KIND, sealed, definition.policy, record.watch.slot_at)


def _save(
    tx: Tx, record: Record, definition: Definition, number: int, at: datetime, by: str
) -> None:
    told = to_json(definition)
    workflows.save(tx, VersionRow(*record.key, number, told, at, by[:255]))


# --- looking ----------------------------------------------------------------------------------


def find(tx: Tx, workspace_id: int, name: str, *, lock: bool = False) -> Record:
    """Return a workflow by its id or slug, or raise not_found."""
    record = find_watch(tx, workspace_id, name, lock=lock)
    if not record.workflow:
        raise Problem("not_found", f"{record.slug} is no workflow")
    return record


def definition_of(tx: Tx, record: Record) -> Definition:
    """Return a workflow as it is now; its jobs are named by id."""
    return replace(present(tx, record).definition, watch=spec_of(record))


def edit_watch_of(
    tx: Tx, record: Record, watch: WatchSpec, vault: Vault, at: datetime, by: str = ""
) -> Record:
    """Change what a locked workflow has of a watch alone, which makes a version, too."""
    return edit(tx, record, replace(definition_of(tx, record), watch=watch), vault, at, by)


def present(tx: Tx, record: Record) -> Version:
    """Return the present version of a workflow."""
    return _version(tx, record, _of(tx, record).version)


def presents(tx: Tx, records: Sequence[Record]) -> dict[str, Version]:
    """Return the present versions of workflows, by watch id."""
    rows = workflows.by_watches(tx, [record.key for record in records])
    saved = workflows.versions(tx, [(*key, row.version) for key, row in rows.items()])
    return {key[1]: _read(version) for key, version in saved.items()}


def versions(tx: Tx, record: Record, limit: int, before: int | None = None) -> list[Version]:
    """Return the versions of a workflow, the newest first, older than number `before`."""
    return [_read(row) for row in workflows.versions_of(tx, *record.key, limit, before)]


def version(tx: Tx, record: Record, number: int) -> Version:
    """Return a version of a workflow, or raise not_found."""
    return _version(tx, record, number)


def diff(tx: Tx, record: Record, before: int, after: int) -> list[Difference]:
    """Return what changed from one version to another; jobs are told by slug."""
    pair = [_version(tx, record, number).definition for number in (before, after)]
    return differences(*(to_json(named(tx, record.workspace_id, one)) for one in pair))


def named(tx: Tx, workspace_id: int, definition: Definition) -> Definition:
    """Return a definition with its jobs by slug; one that is gone keeps its id."""
    ids = {node.job for node in definition.graph.nodes}
    return with_slugs(definition, slugs_of(tx, workspace_id, ids))


def with_slugs(definition: Definition, slugs: Mapping[str, str]) -> Definition:
    """Return a definition whose jobs go by these slugs, where theirs is among them."""
    return replace(definition, graph=definition.graph.with_jobs(slugs))


def restore(
    tx: Tx, record: Record, number: int, vault: Vault, at: datetime, by: str = ""
) -> Record:
    """Save an old version of a locked workflow anew; its slug stays as it is now."""
    old = _version(tx, record, number).definition
    return edit(tx, record, replace(old, watch=replace(old.watch, slug=record.slug)), vault, at, by)


def _of(tx: Tx, record: Record) -> WorkflowRow:
    row = workflows.by_watch(tx, *record.key)
    if row is None:
        raise Problem("not_found", f"{record.slug} is no workflow")
    return row


def _version(tx: Tx, record: Record, number: int) -> Version:
    key = (*record.key, number)
    row = workflows.versions(tx, [key]).get(key)
    if row is None:
        raise Problem("not_found", f"{record.slug} has no version {number}")
    return _read(row)


def _read(row: VersionRow) -> Version:
    return Version(row.number, from_json(row.definition), row.made_at, row.made_by)


# --- webhooks ---------------------------------------------------------------------------------


def webhook_of(tx: Tx, record: Record, vault: Vault) -> Webhook | None:
    """Return the key of a workflow's webhook, if it has one."""
    return webhooks_of(tx, [record], vault).get(record.id)


def webhooks_of(tx: Tx, records: Sequence[Record], vault: Vault) -> dict[str, Webhook]:
    """Return the keys of those of these workflows that have a webhook, by watch id."""
    rows = workflows.by_watches(tx, [record.key for record in records])
    return {
        key[1]: Webhook(**json.loads(vault.open(row.hook, context(*key))))
        for key, row in rows.items()
        if row.hook
    }


def set_webhook(
    tx: Tx, record: Record, vault: Vault, *, key: str | None = None, signed: bool = False
) -> Webhook:
    """Give a workflow another key, its own or a fresh one; the one before ends at once."""
    if key is not None and not 16 <= len(key) <= _KEY_LENGTH:
        raise invalid("key", f"give 16 to {_KEY_LENGTH} characters")
    hook = Webhook(key or new_token(KEY_BITS), new_token(SECRET_BITS) if signed else None)
    told = json.dumps({"key": hook.key, "secret": hook.secret}).encode()
    sealed = vault.seal(told, context(*record.key))
    try:
        with tx.conn.begin_nested():
            workflows.set_hook(tx, *record.key, vault.keyed_hash(hook.key, _HASH), sealed)
    except IntegrityError:
        raise Problem("conflict", "key: is taken", {"key": "is taken"}) from None
    return hook


def drop_webhook(tx: Tx, record: Record) -> None:
    """Take the webhook of a workflow away."""
    workflows.set_hook(tx, *record.key, None, None)


def hooked(tx: Tx, key: str, vault: Vault) -> tuple[int, str] | None:
    """Return the (workspace id, id) of the workflow that a key starts, in whatever workspace."""
    return workflows.by_hook(tx, vault.keyed_hash(key, _HASH))


def opened(
    tx: Tx, place: Key, key: str, signed: tuple[str, str], body: bytes, vault: Vault, at: datetime
) -> tuple[Record, Webhook] | None:
    """Return the workflow of a webhook, locked; None where it has another key by now.

    `signed` is the time and the signature of the body, which count where the webhook has a secret:
    raises unauthorized for those that are not right.
    """
    record = find_watch(tx, *place, lock=True)
    hook = webhook_of(tx, record, vault)
    if hook is None or hook.key != key:
        return None
    if hook.secret and (why := fault(hook.secret, *signed, body, at)):
        raise Problem("unauthorized", why)
    return record, hook


def _turn_webhook(tx: Tx, record: Record, row: WorkflowRow, vault: Vault, *, wanted: bool) -> None:
    """Have a webhook or none, as the definition says; one that is there keeps its key."""
    if wanted and row.hook is None:
        set_webhook(tx, record, vault)
    elif row.hook is not None and not wanted:
        drop_webhook(tx, record)


def context(workspace_id: int, watch_id: str) -> str:
    """Return the identity of a workflow's row, which the sealed key of its webhook belongs to."""
    return f"workflow-hook:{workspace_id}:{watch_id}"
