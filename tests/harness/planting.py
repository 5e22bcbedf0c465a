"""Canaries in what people store: every kind of channel, probes, workflows, and the dialects."""

import base64
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from fastapi.routing import APIRoute
from sqlalchemy import LargeBinary, select

from dogwatch.core.dialects import DIALECTS
from dogwatch.notify import CHANNELS
from dogwatch.store.tables import metadata
from dogwatch.store.tx import Tx
from dogwatch.usecases import keyring
from dogwatch.vault import Vault
from dogwatch.web.dialect.tongue import Tongue
from dogwatch.web.dialects import TONGUES
from tests.eventually import eventually
from tests.harness.aviary import Aviary
from tests.harness.served import Served
from tests.notify.settings import GOOD

GO = "go"
PEM = "-----BEGIN {0}-----\n{1}\n-----END {0}-----\n"
READS = {"read:watches", "read:jobs", "manage:alerts", "manage:keys"}
Get = Callable[[Served, str, Mapping[str, str]], bytes]


# --- channels ---------------------------------------------------------------------------------


def plant_services(served: Served, birds: Aviary) -> None:
    """Have a channel of every service, whose every secret setting is a canary; none is used."""
    for kind, channel in CHANNELS.items():
        settings = dict(GOOD[kind])
        for one in channel.fields:
            if one.secret and not one.many:
                name = f"{kind}-{one.name}"
                settings[one.name], canary = _own(str(settings.get(one.name, one.example)), name)
                birds.canaries[name] = canary.encode()
        made = served.post("/channels", {"name": f"{kind} too", "kind": kind, "settings": settings})
        for number, secret in enumerate(made.get("secrets") or []):
            birds.canaries[f"another-secret-{number}"] = secret.removeprefix("whsec_").encode()


def _own(example: str, name: str) -> tuple[str, str]:
    """Return a value that is formed as an example is, and the part of it that no other has."""
    found = re.search("[0-9A-Za-z]*$", example)
    end = found[0] if found else ""
    digits = hashlib.sha256(name.encode()).hexdigest()
    as_hex = re.fullmatch("[0-9a-f]*", end)
    own = digits if as_hex else base64.b32encode(digits.encode()).decode().lower().rstrip("=")
    part = own[: max(len(end), 0 if as_hex else 10)]
    return example.removesuffix(end) + part, part


# --- probes and workflows -----------------------------------------------------------------------


def plant_probe(served: Served, closed: str, birds: Aviary) -> None:
    """Have a probe with a key, headers and a body, and have it tried."""
    key = base64.b64encode(birds.new("probe-client-key").encode()).decode()
    birds.canaries["probe-client-key"] = key.encode()
    target = {
        "kind": "http", "url": f"{closed}/p?token={birds.new('probe-query')}", "method": "POST",
        "headers": {"Authorization": f"Bearer {birds.new('probe-header')}"},
        "body": f"password={birds.new('probe-body')}",
        "client_certificate": PEM.format("CERTIFICATE", "MII="),
        "client_key": PEM.format("PRIVATE KEY", key),
    }  # fmt: skip
    probe = {"name": "shop", "schedule": "every 1h", "target": target}
    served.post("/probes", probe)
    birds.hear("probe tried", served.call("POST", "/api/v1/probes/shop/test", {}).body)


def plant_workflow(served: Served, birds: Aviary) -> None:
    """Have a workflow that is started from outside, by signed requests."""
    nodes = [{"key": "a", "job": "probe"}]
    served.post("/workflows", {"name": "flow", "nodes": nodes, "webhook": True})
    made = served.post("/workflows/flow/webhook", {"signed": True}, 200)
    birds.canaries["hook-secret"] = made["secret"].encode()
    birds.hear("wrong hook", served.call("POST", "/hook/wrong", {}).body)


# --- dialects ---------------------------------------------------------------------------------


def plant_dialects(served: Served, birds: Aviary) -> None:
    """Store what only dialects have fields for; one run waits, and holds an environment of its
    own."""
    beats = _caller(served, birds, "cronbeats")
    for kind, body in {
        "slack": {"webhook_url": _slack(birds, "cronbeats-slack")},
        "webhook": {"url": f"https://127.0.0.1:9/w?token={birds.new('cronbeats-query')}",
                    "secret": birds.new("cronbeats-secret")},
    }.items():  # fmt: skip
        beats("PUT", f"/integrations/{kind}", {**body, "is_enabled": False})
    owl = _caller(served, birds, "cronowl")
    owl("POST", "/checks", {
        "name": "owl", "intervalSeconds": 3600, "expectedInterval": 3600,
        "webhookUrl": _slack(birds, "cronowl-webhook"),
    })  # fmt: skip
    cronium = _caller(served, birds, "cronium")
    wait = f"while [ ! -e {served.data.parent / GO} ]; do sleep 0.1; done; echo $MINE $OWN"
    made = cronium("POST", "/events", {
        "name": "cronium", "type": "BASH", "script": wait, "status": "ACTIVE",
        "envVars": {"OWN": birds.new("cronium-env")},
    })  # fmt: skip
    number = re.search(rb'"id": ?([0-9]+)', made)
    assert number, made
    path = f"/events/{number[1].decode()}/execute"
    cronium("POST", path, {"envVars": {"MINE": birds.new("run-env")}})


def _slack(birds: Aviary, name: str) -> str:
    address, canary = _own("https://hooks.slack.com/services/T0/B0/s3cret", name)
    birds.canaries[name] = canary.encode()
    return address


def _caller(served: Served, birds: Aviary, dialect: str) -> Callable[[str, str, Any], bytes]:
    """Return what calls the API of a dialect by a key that may do everything."""
    tongue = next(one for one in TONGUES if one.name == dialect)
    key = _key(served, dialect, ())
    birds.canaries[f"{dialect}-key"] = key.encode()

    def call(method: str, path: str, body: Any) -> bytes:
        place = f"/{DIALECTS[dialect].mount}{tongue.base}{path}"
        answer = served.call(method, place, body, key=None, headers=_named(tongue, key))
        assert answer.status < 300, answer
        return answer.body

    return call


def _key(served: Served, dialect: str, scopes: Sequence[str]) -> str:
    words = ["key", "new", "--name", "bird", "--dialect", dialect]
    given = ["--scopes", ",".join(scopes)] if scopes else []
    database = ["--database", served.flags["database"]]
    return served.cli(*words, *given, *database).stdout.strip()


def _named(tongue: Tongue, key: str) -> dict[str, str]:
    return {tongue.key_header: key, "Authorization": f"Bearer {key}"}


def let_go(served: Served) -> None:
    """Let the run end that waits."""
    (served.data.parent / GO).touch()
    eventually(
        lambda: all(run["state"] == "done" for run in served.get("/runs")["data"]),
        within_s=60, what="the run that waited ends",
    )  # fmt: skip


def listen_to_dialects(served: Served, birds: Aviary, get: Get) -> None:
    """Hear every GET route of every dialect for everything that there is, by a key that reads."""
    for tongue in TONGUES:
        key = _key(served, tongue.name, sorted(READS & set(DIALECTS[tongue.name].scopes)))
        mount, said = f"/{DIALECTS[tongue.name].mount}", b""
        for path in sorted(_paths(tongue), key=lambda path: path.count("{")):
            for one in _filled(path, said):
                answer = get(served, mount + one, _named(tongue, key))
                said += answer
                birds.hear(f"GET {mount}{one}", answer)


def _paths(tongue: Tongue) -> Iterator[str]:
    for route in tongue.router.routes:
        assert isinstance(route, APIRoute)
        if "GET" in (route.methods or ()):
            yield route.path


def _filled(path: str, said: bytes) -> set[str]:
    """Return a path for each of the names that were told so far."""
    names = re.findall(r'"[a-z_]*(?:id|key|uuid|slug)": ?"?([0-9A-Za-z_-]{1,64})', said.decode())
    return {re.sub("{[^}]*}", quote(name), path) for name in sorted(set(names))[:20] or ["none"]}


# --- the store --------------------------------------------------------------------------------


def held(tx: Tx, vault: Vault) -> dict[str, list[bytes]]:
    """Return what each sealed column holds, opened, by its name, from the tables themselves."""
    keyring.refresh(tx, vault)
    bound = {(kind.table.name, kind.name): context for kind, context in keyring.CONTEXTS.items()}
    found: dict[str, list[bytes]] = {}
    for table in metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, LargeBinary) and "hash" not in column.name:
                context = bound[table.name, column.name]
                rows = tx.conn.execute(select(table).where(column.is_not(None))).all()
                found[f"{table.name}.{column.name}"] = [
                    vault.open(row._mapping[column.name], context(row))
                    for row in rows if row._mapping[column.name]
                ]  # fmt: skip
    return found
