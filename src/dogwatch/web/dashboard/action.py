"""What a job runs or a probe asks, as fields of a form and as facts on a page."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from dogwatch.core.http_action import METHODS
from dogwatch.core.plain import whole_number
from dogwatch.core.probe import demands
from dogwatch.core.probe.dns import TYPES
from dogwatch.core.problems import renaming
from dogwatch.core.run import Policy
from dogwatch.core.spec import WatchSpec
from dogwatch.usecases import jobs, probes, watches, workflows
from dogwatch.usecases.door import Tx
from dogwatch.usecases.lists import Record
from dogwatch.web.api.masks import masked_action, unmasked_action
from dogwatch.web.dashboard.fields import whole
from dogwatch.web.dashboard.pictures.length import took
from dogwatch.web.dashboard.visit import Visit
from dogwatch.web.reach import Hosts, hosts_of_action

LANGUAGES = ("bash", "python", "node")


@dataclass(frozen=True, slots=True)
class Asked:
    """One field: `form` is text, area, number or list; with choices it is one of these."""

    name: str
    label: str
    form: str = "text"
    choices: Sequence[str] = ()
    needed: bool = False

    @property
    def field(self) -> str:
        """Its name in a form, and in what is told of its faults."""
        return f"action.{self.name}"

    def shown(self, action: Mapping[str, Any]) -> str:
        """Return its value as a form holds it."""
        value = action.get(self.name)
        if isinstance(value, list | tuple):
            return "\n".join(map(str, value))
        return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)

    def read(self, text: str) -> Any:
        """Return what a form gives; whoever checks the action says what is wrong with it."""
        if self.form == "list":
            return [line.strip() for line in text.splitlines() if line.strip()]
        if self.form == "number":
            number = whole_number(text.strip(), 8)
            return text if number is None else number
        return text.replace("\r\n", "\n") if self.form == "area" else text.strip()


_TIMEOUT = Asked("timeout_s", "Seconds until it is given up", "number", needed=True)
_HOST = Asked("host", "Host", needed=True)
_PORT = Asked("port", "Port", "number", needed=True)
_URL = Asked("url", "Address", needed=True)
_METHOD = Asked("method", "Method", choices=METHODS)
_STATUS = Asked("expected_status", "Good statuses", needed=True)

FIELDS: Mapping[str, Sequence[Asked]] = {
    "script": (
        Asked("language", "Language", choices=LANGUAGES),
        Asked("source", "Script", "area", needed=True),
        _TIMEOUT,
    ),
    "request": (_URL, _METHOD, Asked("body", "Body", "area"), _STATUS, _TIMEOUT),
    "http": (_URL, _METHOD, _STATUS, _TIMEOUT),
    "tcp": (_HOST, _PORT, _TIMEOUT),
    "tls": (
        _HOST,
        _PORT,
        Asked("days_left", "Down below so many days", "number", needed=True),
        Asked("warn_days_left", "Slow below so many days", "number", needed=True),
        _TIMEOUT,
    ),
    "dns": (
        Asked("name", "Name", needed=True),
        Asked("type", "Type", choices=TYPES),
        Asked("expected", "Records that must be there, one on each line", "list"),
        _TIMEOUT,
    ),
    "icmp": (_HOST, _TIMEOUT),
}


@dataclass(frozen=True, slots=True)
class Action:
    """What an item does: its fields by `kind`, its values without secrets, and further facts.

    `here`: it is done where this server is. `policy` is that of a job.
    """

    kind: str
    values: Mapping[str, Any]
    facts: Sequence[tuple[str, str]] = ()
    here: bool = True
    policy: Policy | None = None

    @property
    def source(self) -> str:
        """The text of a script, empty for all else."""
        return str(self.values.get("source", ""))

    @property
    def fields(self) -> Sequence[Asked]:
        """The fields that a form shows."""
        return FIELDS.get(self.kind, ())

    def hosts(self, form: Mapping[str, str]) -> Hosts:
        """Return the host that a form has it go to from here, if that is another than before."""
        if not self.here:
            return {}
        given = {
            one.name: form[one.field]
            for one in (_URL, _HOST)
            if form.get(one.field, "") not in ("", one.shown(self.values))
        }
        host = {_HOST.field: given["host"]} if "host" in given else {}
        return {**host, **hosts_of_action(given)}


def action_of(tx: Tx, visit: Visit, record: Record) -> Action | None:
    """Return what an item does, None for a watch."""
    if record.probe:
        spec = _probe(tx, visit, record)
        target = masked_action(spec.target)
        facts = (
            ("From", ", ".join(spec.locations)),
            ("Asked again before it is down", f"{spec.rechecks} times"),
            *_demands(target, record.watch.plan.slow_after_ms),
        )
        here = probes.HERE in spec.locations
        return Action(str(target.get("kind", "")), target, facts, here)
    if not record.watch.job or record.workflow:
        return None
    job = _job(tx, visit, record)
    kind = "request" if job.action_kind == "http" else job.action_kind
    return Action(kind, masked_action(job.action), _sharing(job.policy), policy=job.policy)


def _demands(target: Mapping[str, Any], slow_after_ms: int | None) -> list[tuple[str, str]]:
    """Return what an answer must say, and within which time."""
    told = [("It is good if", words) for words in demands.said(target)]
    return told + ([("Degraded above", took(slow_after_ms))] if slow_after_ms is not None else [])


def _sharing(policy: Policy) -> Sequence[tuple[str, str]]:
    """Return whom a job shares its places with."""
    key, most = policy.concurrency_key, policy.concurrency_limit
    return [("At once", f"{most} of all jobs with the key {key}")] if key else []


def shared(visit: Visit, policy: Policy) -> Policy:
    """Return what a form says of the places that a job shares; the rest as it was."""
    key, most = visit.form.get("concurrency_key", ""), whole(visit, "concurrency_limit")
    most = 1 if most is None else most
    return replace(policy, concurrency_key=key.strip() or None, concurrency_limit=most)


def change(tx: Tx, visit: Visit, record: Record, words: WatchSpec) -> Record:
    """Change a locked item to what the form says of it, `words` being its part as a watch."""
    vault = visit.services.vault
    if not record.watch.job:
        return watches.edit(tx, record, words, visit.at)
    if record.workflow:
        by = visit.caller.name
        return workflows.edit_watch_of(tx, record, words, vault, visit.at, by)
    if record.probe:
        probe = _probe(tx, visit, record, words)
        kind = str(probe.target.get("kind", ""))
        with told():
            changed = replace(probe, target=_given(visit, kind, probe.target))
            return probes.edit(tx, record, changed, vault, visit.at)
    job = _job(tx, visit, record, words)
    kind = "request" if job.action_kind == "http" else job.action_kind
    given = _given(visit, kind, job.action)
    policy = shared(visit, job.policy) if "concurrency_key" in visit.form else job.policy
    return jobs.edit(tx, record, replace(job, action=given, policy=policy), vault, visit.at)


def _given(visit: Visit, kind: str, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stored action with what the form says, masks lifted."""
    shown = masked_action(stored)
    sent = {
        one.name: one.read(visit.form[one.field])
        for one in FIELDS.get(kind, ())
        if one.field in visit.form and visit.form[one.field] != one.shown(shown)
    }
    return unmasked_action(shown | sent, stored)


def told() -> AbstractContextManager[None]:
    """Have the faults of a target told by the names of the form."""
    return renaming(lambda name: name.replace("target.", "action.", 1))


def _probe(
    tx: Tx, visit: Visit, record: Record, words: WatchSpec | None = None
) -> probes.ProbeSpec:
    _, row = probes.find(tx, visit.workspace_id, record.id)
    return probes.spec_of(row, words or watches.spec_of(record), visit.services.vault)


def _job(tx: Tx, visit: Visit, record: Record, words: WatchSpec | None = None) -> jobs.JobSpec:
    row = jobs.find(tx, record)
    return jobs.spec_of(record, row, words or watches.spec_of(record), visit.services.vault)
