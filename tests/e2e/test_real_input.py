"""The main job on real input: this system's crontabs, real interpreters, real receivers."""

import subprocess
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from tests.e2e.conftest import Serve
from tests.eventually import eventually
from tests.harness.receivers import Mails, Webhooks
from tests.harness.served import Served

EVERY_SECOND = "*-*-* *:*:*"
SCRIPTS = {
    "bash": 'echo "bash $BASH_VERSION"',
    "python": 'import sys; print("python", sys.version_info.major)',
    "node": 'console.log("node", process.version)',
}


def crontabs() -> list[str]:
    """The crontab files that Debian's packages brought."""
    found = ["/etc/crontab", *map(str, sorted(Path("/etc/cron.d").glob("[!.]*")))]
    assert len(found) >= 2, "no package with a crontab is installed: see tools/setup.sh"
    return found


def curl(url: str, *words: str) -> str:
    done = subprocess.run(
        ["curl", "-fsS", "-m", "60", *words, url], capture_output=True, text=True, check=True
    )
    return done.stdout


def tell_both(served: Served, webhooks: Webhooks) -> None:
    """Make both channels, and a rule for each."""
    hook = {"name": "Team hook", "kind": "webhook", "settings": {"url": webhooks.url}}
    mail = {"name": "Ana", "kind": "email", "settings": {"to": ["ana@example.org"]},
            "group_window_s": 0}  # fmt: skip
    made = [served.post("/channels", channel) for channel in (hook, mail)]
    webhooks.secret = made[0]["secrets"][0]
    for channel in made:
        served.post("/rules", {"channel_id": channel["id"]})


def import_crontabs(served: Served, folder: Path) -> list[dict[str, Any]]:
    """Plan, apply, and see that a second time nothing is left to do, nor of what it printed."""
    files = crontabs()
    plan = served.cli_json("import", "crontab", *files)
    assert (plan["applied"], plan["problems"]) == (False, [])
    assert served.cli_json("ls") == []
    done = served.cli_json("import", "crontab", "--apply", *files)
    assert done["applied"]
    assert done["changes"] == len(done["entries"]) >= 5
    again = served.cli_json("import", "crontab", *files)
    assert {entry["do"] for entry in again["entries"]} == {"same"}
    printed = [folder / f"{number}.tab" for number in range(len(done["crontabs"]))]
    for file, text in zip(printed, done["crontabs"].values(), strict=True):
        file.write_text(text)
    wrapped = served.cli_json("import", "crontab", "--system-format", *map(str, printed))
    assert [entry["do"] for entry in wrapped["entries"]] == ["same"] * len(done["entries"])
    assert wrapped["crontabs"] == {}
    entries: list[dict[str, Any]] = done["entries"]
    return entries


def make_jobs(served: Served, flag: Path) -> None:
    """A job of each kind every second, and one that fails while `flag` is there."""
    scripts = {**SCRIPTS, "brittle": f'test ! -e {flag} || {{ echo "no tape"; exit 3; }}'}
    actions: dict[str, Any] = {
        name: {"kind": "script", "language": name if name in SCRIPTS else "bash", "source": source}
        for name, source in scripts.items()
    }
    actions["http"] = {"kind": "http", "url": f"{served.url}/healthz"}
    for name, action in actions.items():
        body = {"name": f"{name} job", "slug": name, "schedule": EVERY_SECOND, "action": action}
        served.post("/jobs", body)


def good_runs(served: Served, slug: str) -> list[Any]:
    found: list[Any] = served.cli_json("runs", slug, "--outcome", "ok")
    return found


def ran_twice(served: Served, slug: str) -> bool:
    return len(good_runs(served, slug)) >= 2


def told(webhooks: Webhooks, mails: Mails, slug: str, word: str, name: str) -> bool:
    """Say whether both channels have heard of it."""
    hook = f"watch.{word}" in webhooks.events(slug)
    return hook and f"{word.capitalize()}: {name}" in mails.subjects


def status(served: Served, slug: str) -> str:
    return str(served.get(f"/watches/{slug}")["status"])


def test_the_main_job(serve: Serve, webhooks: Webhooks, mails: Mails, tmp_path: Path) -> None:
    served = serve(smtp_url=mails.url(), allow_private_targets="127.0.0.0/8")
    tell_both(served, webhooks)
    entries = import_crontabs(served, tmp_path)
    wrapped, curled = entries[0]["slug"], entries[1]["slug"]

    # what others run: one wrapped, one that calls in by itself
    ran = served.cli("run", wrapped, "--", "sh", "-c", "echo all quiet; echo careful >&2")
    assert (ran.stdout, ran.stderr) == ("all quiet\n", "careful\n")
    assert curl(served.get(f"/watches/{curled}")["ping_url"]) == "OK"
    assert (status(served, wrapped), status(served, curled)) == ("up", "up")

    # what we run ourselves
    flag = tmp_path / "fail"
    make_jobs(served, flag)
    for slug in (*SCRIPTS, "http", "brittle"):
        eventually(partial(ran_twice, served, slug), what=f"{slug} runs")
    for slug in SCRIPTS:
        assert slug in served.cli("logs", good_runs(served, slug)[0]["id"]).stdout

    # silence, and a failure
    silent = served.post(
        "/watches", {"name": "Night watch", "slug": "night", "schedule": "every 1s", "grace_s": 1}
    )
    curl(silent["ping_url"], "-d", "still here")
    flag.touch()
    eventually(lambda: told(webhooks, mails, "night", "down", "Night watch"), what="silence told")
    eventually(lambda: told(webhooks, mails, "brittle", "down", "brittle job"), what="failure told")

    # and back
    flag.unlink()
    curl(silent["ping_url"])
    eventually(
        lambda: (
            told(webhooks, mails, "brittle", "recovered", "brittle job")
            and told(webhooks, mails, "night", "recovered", "Night watch")
        ),
        what="recovery told",
    )
    served.post(f"/watches/{silent['id']}/pause", {}, status=200)
    assert all(hook.verified for hook in webhooks.came)
    read_back(served, wrapped)
    read_failure(served)


def read_back(served: Served, wrapped: str) -> None:
    """Read by CLI and by API what was run elsewhere."""
    shown = served.cli_json("show", wrapped)
    assert shown == served.get(f"/watches/{wrapped}")
    assert shown["last_run"]["outcome"] == "ok"
    assert shown["last_run"]["duration_ms"] is not None
    assert wrapped in served.cli("ls").stdout
    assert "OK since" in served.cli("show", wrapped).stdout
    end, start = served.get(f"/watches/{shown['id']}/pings?limit=5")["data"]
    assert (start["kind"], end["kind"], end["exit_code"]) == ("start", "ok", 0)
    assert start["rid"] == end["rid"]
    assert sorted(end["body"].splitlines()) == ["all quiet", "careful"]  # two pipes have no order


def read_failure(served: Served) -> None:
    """Read by CLI and by API what failed and who was told."""
    failed = served.cli_json("runs", "brittle", "--outcome", "fail")
    assert failed
    assert {run["exit_code"] for run in failed} == {3}
    assert served.cli("logs", failed[-1]["id"]).stdout == "no tape\n"
    flips = served.every("/flips")
    by_slug = {watch["id"]: watch["slug"] for watch in served.every("/watches")}
    turns = {slug: [f["event"] for f in flips if by_slug[f["watch_id"]] == slug] for slug in
             ("brittle", "night")}  # fmt: skip
    assert [event for event in turns["brittle"] if event] == ["recovered", "down"]
    assert [event for event in turns["night"] if event][-2:] == ["recovered", "down"]
    sent = [one for one in served.every("/deliveries") if one["state"] == "sent"]
    assert len(sent) >= 8
    assert all(datetime.fromisoformat(one["settled_at"]) for one in sent)
