"""What a job runs or a probe asks, as fields of a form and as facts on a page."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from dogwatch.core.http_action import METHODS
from dogwatch.core.lengths import length_s, words_of
from dogwatch.core.plain import whole_number
from dogwatch.core.probe import demands
from dogwatch.core.probe.dns import TYPES
from dogwatch.core.problems import renaming
from dogwatch.core.run import Overlap, Policy
from dogwatch.core.spec import WatchSpec
from dogwatch.usecases import jobs, probes, watches, workflows
from dogwatch.usecases.door import Tx
from dogwatch.usecases.lists import Record
from dogwatch.web.api.masks import masked_action, unmasked_action
from dogwatch.web.dashboard.fields import seconds, whole
from dogwatch.web.dashboard.pictures.length import took
from dogwatch.web.dashboard.visit import Visit
from dogwatch.web.reach import Hosts, hosts_of_action

LANGUAGES = ("bash", "python", "node")
OVERLAPS: Mapping[str, str] = {
    Overlap.SKIP: "skip the next",
    Overlap.QUEUE_ONE: "let one wait",
    Overlap.ALLOW: "run both",
    Overlap.CANCEL_PREVIOUS: "stop it, and run the next",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One field: `form` is text, area, number, length (in seconds), list, or held: what an answer
    must hold; with choices it is one of these."""

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
        value = _held(action) if self.form == "held" else action.get(self.name)
        if isinstance(value, list | tuple):
            return "\n".join(map(str, value))
        if self.form == "length" and value is not None:
            return words_of(int(value)) if value == int(value) else f"{value:g} s"
        return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)

    def read(self, text: str) -> Any:
        """Return what a form gives; whoever checks the action says what is wrong with it."""
        if self.form == "list":
            return [line.strip() for line in text.splitlines() if line.strip()]
        if self.form in ("number", "length"):
            number = length_s(text) if self.form == "length" else whole_number(text.strip(), 8)
            return text if number is None else number
        return text.replace("\r\n", "\n") if self.form == "area" else text.strip()


HELD = Asked("held", "Text that the page must hold", "held")
TIMEOUT = Asked("timeout_s", "Time until it is given up", "length", needed=True)
_HOST = Asked("host", "Host", needed=True)
_PORT = Asked("port", "Port", "number", needed=True)
_URL = Asked("url", "Address", needed=True)
_METHOD = Asked("method", "Method", choices=METHODS)
_STATUS = Asked("expected_status", "Good statuses", needed=True)

FIELDS: Mapping[str, Sequence[Asked]] = {
    "script": (
        Asked("language", "Language", choices=LANGUAGES),
        Asked("source", "Script", "area", needed=True),
        TIMEOUT,
    ),
    "request": (_URL, _METHOD, Asked("body", "Body", "area"), _STATUS, TIMEOUT),
    "http": (_URL, _METHOD, HELD, _STATUS, TIMEOUT),
    "tcp": (_HOST, _PORT, TIMEOUT),
    "tls": (
        _HOST,
        _PORT,
        Asked("days_left", "Down below so many days", "number", needed=True),
        Asked("warn_days_left", "Degraded below so many days", "number", needed=True),
        TIMEOUT,
    ),
    "dns": (
        Asked("name", "Name", needed=True),
        Asked("type", "Type", choices=TYPES),
        Asked("expected", "Records that must be there, one on each line", "list"),
        TIMEOUT,
    ),
    "icmp": (_HOST, TIMEOUT),
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
    return Action(kind, masked_action(job.action), _told(job.policy), policy=job.policy)


def _demands(target: Mapping[str, Any], slow_after_ms: int | None) -> list[tuple[str, str]]:
    """Return what an answer must say, and within which time."""
    told = [("It is good if", words) for words in demands.said(target)]
    return told + ([("Degraded above", took(slow_after_ms))] if slow_after_ms is not None else [])


def _told(policy: Policy) -> Sequence[tuple[str, str]]:
    """Return the run rules that are not as usual."""
    usual, told = Policy(), []
    if policy.max_attempts > 1:
        after = words_of(policy.backoff_s)
        told.append(("Attempts", f"{policy.max_attempts}, the second after {after}"))
    if policy.overlap != usual.overlap:
        told.append(("Due while one runs", OVERLAPS[policy.overlap]))
    if key := policy.concurrency_key:
        told.append(("At once", f"{policy.concurrency_limit} of all jobs with the key {key}"))
    return told


def rules_of(policy: Policy) -> dict[str, str]:
    """Return run rules as a form holds them."""
    return {
        "max_attempts": str(policy.max_attempts),
        "backoff_s": words_of(policy.backoff_s),
        "overlap": str(policy.overlap),
        "concurrency_key": policy.concurrency_key or "",
        "concurrency_limit": str(policy.concurrency_limit),
    }


def ruled(visit: Visit, policy: Policy) -> Policy:
    """Return the run rules that a form says; what it does not say is as it was."""
    form, most = visit.form, whole(visit, "concurrency_limit")
    attempts, backoff_s = whole(visit, "max_attempts"), seconds(visit, "backoff_s")
    policy = replace(
        policy,
        max_attempts=policy.max_attempts if attempts is None else attempts,
        backoff_s=policy.backoff_s if backoff_s is None else backoff_s,
        concurrency_limit=policy.concurrency_limit if most is None else most,
    )
    if form.get("overlap") in OVERLAPS:
        policy = replace(policy, overlap=Overlap(form["overlap"]))
    if "concurrency_key" in form:
        policy = replace(policy, concurrency_key=form["concurrency_key"].strip() or None)
    return policy


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
    changed_job = replace(job, action=given, policy=ruled(visit, job.policy))
    return jobs.edit(tx, record, changed_job, vault, visit.at)


def _given(visit: Visit, kind: str, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stored action with what the form says, masks lifted."""
    shown = masked_action(stored)
    sent = {
        one.name: one.read(visit.form[one.field])
        for one in FIELDS.get(kind, ())
        if one.field in visit.form and visit.form[one.field] != one.shown(shown)
    }
    if HELD.name in sent:
        sent["assertions"] = holding(shown.get("assertions", ()), sent.pop(HELD.name))
    return unmasked_action(shown | sent, stored)


def _held(target: Mapping[str, Any]) -> str:
    """Return the first text that an answer must hold."""
    found = (one for one in target.get("assertions", ()) if one["kind"] == "body_contains")
    return str(next(found, {"text": ""})["text"])


def holding(assertions: Sequence[Mapping[str, Any]], text: str) -> Sequence[Mapping[str, Any]]:
    """Return assertions of which the first about a text in the body is about this one, if any."""
    about = [n for n, one in enumerate(assertions) if one["kind"] == "body_contains"][:1]
    rest = [one for n, one in enumerate(assertions) if n not in about]
    before = assertions[about[0]] if about else {"kind": "body_contains"}
    return [{**before, "text": text}, *rest] if text else rest


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
