"""A canary in every secret field; then everything that Dogwatch ever says is searched for them."""

import asyncio
import base64
import gzip
import json
from collections.abc import Mapping
from http.client import HTTPConnection
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from dogwatch.clock import SystemClock
from dogwatch.core.policy import Role
from dogwatch.passwords import Passwords
from dogwatch.store.database import Database, Tx
from dogwatch.usecases import keyring, members, people, setup, workspaces
from dogwatch.usecases.callers import host
from dogwatch.vault import Vault, load
from tests.e2e.conftest import Serve
from tests.eventually import eventually
from tests.harness import planting
from tests.harness.aviary import Aviary
from tests.harness.ports import free_port
from tests.harness.served import Served

ERRORS = (
    ("GET", "/api/v1/nothing"), ("GET", "/api/v1/channels/nothing"), ("POST", "/api/v1/jobs"),
    ("DELETE", "/api/v1/openapi.json"), ("GET", "/nothing"), ("POST", "/api/v1/channels"),
)  # fmt: skip


# All that a script prints of its secrets is masked, in each form that is looked for.
SAYING = r"""
V=$(cronium.getVariable SECRET)
echo "$TOKEN one $V two $V"; echo "$DOGWATCH_TOKEN"; cronium.getVariable SECRET >&2
printf %s "$V" | base64; printf 'user:%s' "$TOKEN" | base64 -w0
printf %s "$V" | od -An -tx1 -v | tr -d ' \n'
cronium.setVariable OTHER "$V"; cronium.setVariable SECRET/ "$V"
printf "half %s" "${V:0:9}"; sleep 0.1; printf %s "${V:9}"
exit 3
"""


def test_a_canary_is_found_in_every_form() -> None:
    birds = Aviary()
    canary = birds.new("one").encode()
    for number, said in enumerate(
        (canary, canary.hex().encode(), base64.b64encode(b"ab" + canary + b"tail"),
         base64.urlsafe_b64encode(b"x" + canary), quote(canary, safe="").encode())
    ):  # fmt: skip
        birds.hear(str(number), b"before " + said + b" after")
    assert len(birds.found()) == 5


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_canary_is_ever_heard(postgres_url: str, serve: Serve, log_format: str) -> None:
    birds = Aviary()
    served = served_with(serve, postgres_url, birds, log_format)
    plant(served, birds)
    plant_people(served, postgres_url, birds)
    check_planted(served, postgres_url, birds)
    planting.let_go(served)
    listen_to_http(served, birds)
    listen_to_commands(served, birds)
    served.stop()
    birds.hear("log", served.log.read_bytes())
    assert len(birds.canaries) > 30
    assert len(birds.said) > 30
    # A copy holds every row, the passwords' argon2 hashes among them; nothing else tells them.
    assert birds.found() - {("password-hash", "rows of the backup")} == set()


def served_with(serve: Serve, url: str, birds: Aviary, log_format: str) -> Served:
    """Start a server whose settings hold secrets."""
    database = url.replace("://dogwatch@", f"://dogwatch:{birds.new('database-password')}@")
    mail = f"smtp://me:{birds.new('smtp-password')}@127.0.0.1:{free_port()}?from=watch@example.org"
    return serve(
        database=database, smtp_url=mail, log_level="debug", log_format=log_format,
        allow_private_targets="127.0.0.0/8", apprise="on",
        oidc_issuer="https://127.0.0.1:9", oidc_client_id="dogwatch",
        oidc_client_secret=birds.new("oidc-client-secret"),
    )  # fmt: skip


def plant(served: Served, birds: Aviary) -> None:
    """Put canaries into channels and jobs, and have both used."""
    closed = "http://127.0.0.1:9"
    plant_channels(served, closed, birds)
    planting.plant_probe(served, closed, birds)
    plant_jobs(served, closed, birds)
    planting.plant_workflow(served, birds)
    planting.plant_dialects(served, birds)
    made = served.cli("key", "new", "--name", "canary", *database_of(served))
    birds.canaries["api-key"] = made.stdout.strip().encode()
    birds.canaries["secret-key"] = load(served.data / "secret.key")
    birds.canaries["cli-key"] = served.key.encode()
    once = {"Idempotency-Key": birds.new("idempotency")[:8]}
    answer = served.call("POST", "/api/v1/keys", {"name": "once", "scopes": ["*"]}, headers=once)
    birds.canaries["key-of-an-answer"] = answer.json["key"].encode()


def plant_channels(served: Served, closed: str, birds: Aviary) -> None:
    """Have a channel of every kind; those try to tell somebody whose address is closed."""
    hook = served.post(
        "/channels",
        {"name": "hook", "kind": "webhook",
         "settings": {"url": f"{closed}/h?token={birds.new('channel-query')}"}},
    )  # fmt: skip
    for number, secret in enumerate(hook["secrets"]):
        birds.canaries[f"webhook-secret-{number}"] = secret.removeprefix("whsec_").encode()
    served.post("/channels", {"name": "mail", "kind": "email", "settings": {"to": ["a@b.example"]}})
    for kind, settings in services(closed, birds).items():
        served.post("/channels", {"name": kind, "kind": kind, "settings": settings})
    for channel in served.get("/channels")["data"]:
        served.call("POST", f"/api/v1/channels/{channel['id']}/test", {})
    planting.plant_services(served, birds)


def plant_jobs(served: Served, closed: str, birds: Aviary) -> None:
    """Have a request and a script run whose every field holds a secret."""
    http = {
        "kind": "http", "url": f"{closed}/j?key={birds.new('job-query')}", "method": "POST",
        "headers": [["Authorization", f"Bearer {birds.new('job-header')}"],
                    ["X-Api-Key", birds.new("job-own-header")]],
        "body": json.dumps({"password": birds.new("job-body")}),
    }  # fmt: skip
    script = {
        "kind": "script", "language": "bash", "source": SAYING,
        "env": {"TOKEN": birds.new("job-env")},
    }  # fmt: skip
    served.cli("variable", "set", "SECRET", birds.new("variable"))
    for name, action in (("probe", http), ("script", script)):
        served.post("/jobs", {"name": name, "action": action})
        served.post(f"/jobs/{name}/trigger", {}, 202)

    def done() -> bool:
        return all(run["state"] == "done" for run in served.get("/runs")["data"])

    eventually(done, within_s=60, what="both jobs ran")


def services(closed: str, birds: Aviary) -> dict[str, dict[str, str]]:
    """Return the settings of services that people host themselves, which nobody answers for."""
    return {
        "ntfy": {"server_url": closed, "topic": birds.new("ntfy-topic")},
        "matrix": {
            "server_url": closed, "room": "!a:b.example",
            "access_token": birds.new("matrix-token"),
        },
        "mattermost": {"url": f"{closed}/hooks/{birds.new('mattermost-hook')}"},
    }  # fmt: skip


def plant_people(served: Served, url: str, birds: Aviary) -> None:
    """Set up a person with everything that proves who they are."""
    vault, at = Vault(load(served.data / "secret.key")), SystemClock().now()
    password = _hashed(birds.new("password"))

    def planted(tx: Tx) -> dict[str, str]:
        keyring.refresh(tx, vault)
        code = setup.offer(tx, vault, at) or ""
        ana = setup.claim(tx, code, "ana@example.org", "Ana", password, vault, at)
        assert ana
        secret = people.offer_second_factor(tx, ana.id, vault)
        given = TOTP(secret, 6, SHA1(), 30).generate(int(at.timestamp())).decode()
        codes = people.take_second_factor(tx, ana.id, given, vault, at)
        session = people.begin_session(tx, ana, vault, at, "Firefox", "::1")
        me = host(workspaces.first(tx, at).id)
        _, invited = members.invite(tx, me, "ben@example.org", Role.VIEWER, vault, at)
        return {
            "set-up-code": code, "totp": secret.hex(), "recovery-code": codes[0],
            "session": session.token, "invitation": invited, "password-hash": password,
        }  # fmt: skip

    database = Database.open(url)
    try:
        proofs = database.write(planted).result(30)
    finally:
        database.close()
    birds.canaries |= {name: proof.encode() for name, proof in proofs.items()}
    birds.canaries["totp"] = bytes.fromhex(proofs["totp"])


def check_planted(served: Served, url: str, birds: Aviary) -> None:
    """Each sealed column of the store holds a canary by now, and each hash is of something: a
    column that comes to be must get one here."""
    vault = Vault(load(served.data / "secret.key"))
    database = Database.open(url)
    try:
        held = database.read(lambda tx: planting.held(tx, vault)).result(30)
    finally:
        database.close()
    songs = list(birds.canaries.values())
    empty = {
        column for column, values in held.items()
        if not any(song in value for value in values for song in songs)
    }  # fmt: skip
    assert empty == set()


def _hashed(password: str) -> str:
    passwords = Passwords()
    try:
        return asyncio.run(passwords.hash(password))
    finally:
        passwords.close()


def database_of(served: Served) -> tuple[str, str]:
    return "--database", served.flags["database"]


# --- listening --------------------------------------------------------------------------------


def listen_to_http(served: Served, birds: Aviary) -> None:
    """Hear every GET route for everything that there is, metrics, and errors."""
    paths = served.call("GET", "/api/v1/openapi.json").json["paths"]
    kinds = (
        "watches", "jobs", "probes", "workflows", "runs", "channels", "rules", "deliveries",
        "flips", "incidents", "keys", "users", "members", "invitations", "variables",
        "status-pages",
    )  # fmt: skip
    ids = {kind: [row["id"] for row in served.get(f"/{kind}")["data"]] for kind in kinds}
    for path, methods in paths.items():
        if "get" in methods and not path.endswith(("/stream", "/live")):
            for one in sorted(filled(path, ids)):
                birds.hear(f"GET {one}", get(served, f"/api/v1{one.removeprefix('/api/v1')}"))
    planting.listen_to_dialects(served, birds, get)
    for path in (
        "/metrics",
        "/healthz",
        "/readyz",
        "/",
        "/api/v1/openapi.json",
        "/login",
        "/login/oidc",
        "/setup",
        "/status/main",
        "/nothing/here",
    ):
        birds.hear(f"GET {path}", get(served, path))
    bad = {name: canary.decode("latin-1") for name, canary in birds.canaries.items()}
    for method, path in ERRORS:
        birds.hear(f"{method} {path}", served.call(method, path, {"name": 3, "action": {}}).body)
    refused = served.call("GET", "/api/v1/watches", key=quote(bad["session"]))
    birds.hear("wrong key", refused.body)


def filled(path: str, ids: Mapping[str, list[str]]) -> set[str]:
    """Return a path for each thing of the kind that it begins with."""
    if "{" not in path:
        return {path}
    kind = path.removeprefix("/api/v1").strip("/").partition("/")[0]
    begin, _, rest = path.partition("{")
    end = rest.partition("}")[2]
    return {begin + one + end for one in ids.get(kind, ["nothing"]) if "{" not in end}


def get(served: Served, path: str, headers: Mapping[str, str] | None = None) -> bytes:
    """Return head and body of an answer, the first piece of one that never ends."""
    connection = HTTPConnection("127.0.0.1", served.port, timeout=60)
    try:
        connection.request(
            "GET", path, headers=headers or {"Authorization": f"Bearer {served.key}"}
        )
        response = connection.getresponse()
        endless = "event-stream" in (response.headers["content-type"] or "")
        body = b"" if endless else response.read()
        return str(response.headers).encode() + body
    finally:
        connection.close()


def listen_to_commands(served: Served, birds: Aviary) -> None:
    """Hear the command line: what it lists, finds, explains and copies."""
    flags = [*database_of(served), "--smtp-url", served.flags["smtp-url"]]
    for words in (
        ["key", "ls", *flags], ["config", *flags], ["config", "--json", *flags],
        ["doctor", *flags], ["audit", *flags], ["migrate", *flags], ["ls"], ["runs"],
        ["channel", "ls"], ["job", "show", "probe"], ["job", "show", "script"],
        ["variable", "ls"],
        ["probe", "show", "shop"], ["workflow", "show", "flow"], ["user", "ls", *flags],
        ["member", "ls", *flags], ["audit-log", "--all", "--csv", *flags],
        ["deliveries"], ["flips", "probe"], ["logs", "script"],
        ["secret", "rotate", "--data-key", *flags],
        ["key", "ls", "--database", "postgresql://me:canary-database-password-4Q9zt@127.0.0.1:1/x"],
        ["config", "--smtp-url", "smtp://me:canary-smtp-password-4Q9zt@nowhere"],
    ):  # fmt: skip
        done = served.cli(*words, code=None)
        birds.hear("dogwatch " + " ".join(words[:2]), done.stdout + done.stderr)
    copy = served.data.parent / "copy.gz"
    said = served.cli("backup", str(copy), *flags)
    birds.hear("dogwatch backup", said.stdout + said.stderr)
    head, *rows = gzip.decompress(copy.read_bytes()).splitlines()
    # The head alone holds the key, as the manual says; it is the last to be taken out.
    birds.hear("rows of the backup", b"\n".join(rows))
    assert json.loads(head)["secret_key"]
