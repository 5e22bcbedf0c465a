"""What `dogwatch run` kept while the server was away counts as soon as that is back."""

from pathlib import Path

from tests.eventually import eventually
from tests.harness.served import Served


def test_a_server_that_comes_back_takes_what_was_kept_beside_it(tmp_path: Path) -> None:
    served = Served(tmp_path / "node")
    served.start()
    try:
        served.cli("add", "backup", "--schedule", "0 2 * * *")
        served.stop()
        served.cli("run", "backup", "--", "sh", "-c", "echo no tape; exit 3", code=3)
        kept = served.data / "spool"
        assert len(list(kept.glob("*.json"))) >= 2
        served.start()
        watch = served.call("GET", "/api/v1/watches/backup").json
        assert (watch["status"], watch["last_run"]["reason"]) == ("down", "exit status 3")
        served.cli("run", "backup", "--server", "http://127.0.0.1:1", "--", "true")
        for path in kept.glob("*.json"):  # as if the server had been too slow for a moment
            path.write_text(path.read_text().replace("http://127.0.0.1:1", served.url))
        eventually(lambda: not list(kept.glob("*.json")), within_s=60, what="the pings are taken")
        assert served.call("GET", "/api/v1/watches/backup").json["status"] == "up"
    finally:
        served.kill9()
