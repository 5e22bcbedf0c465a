"""Scripts of a real server in real sandboxes."""

from collections.abc import Iterator

import pytest

from tests.e2e.test_helpers import put, ran, value
from tests.harness.served import Served
from tests.runners.boxes import sandbox_of_this_process

SOURCE = """
cronium.setVariable SEEN "$(cronium.getVariable GIVEN)"
cat /proc/*/environ | tr '\\0' '\\n'
ls -A / /tmp "$HOME"; touch /tmp/left
cat {data}/secret.key && echo "reached"
echo "${CRONIUM_RUNTIME_API-no way to loopback}"
exit 3
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    sandbox_of_this_process()
    data = tmp_path_factory.mktemp("isolation") / "data"
    server = Served(data, {"sandbox": "bubblewrap"}, warm=False).start()
    yield server
    server.stop()


def test_a_job_runs_in_a_sandbox_with_its_helpers(served: Served) -> None:
    put(served, "GIVEN", "größe")
    source = SOURCE.replace("{data}", str(served.data))
    for _ in range(2):
        done = ran(served, "bash", source)
        assert done.told["outcome"] == "fail"
        assert "no way to loopback" in done.out
        assert "DOGWATCH_RUN_ID=" in done.out
        assert not {"reached", "left", "DOGWATCH_DATA"} & set(done.out.replace("=", "\n").split())
    assert value(served, "SEEN") == "größe"


def test_a_job_that_asks_for_a_network_has_the_proxy(served: Served) -> None:
    source = """
exec 3<>/dev/tcp/127.0.0.1/3128
printf 'CONNECT 127.0.0.1:22 HTTP/1.1\\r\\n\\r\\n' >&3; cat <&3
"""
    done = ran(served, "bash", source, network=True)
    assert "403 Forbidden" in done.out
    assert "blocked address" in done.out


def test_the_level_is_told(served: Served) -> None:
    assert served.get("/workspace")["isolation"] == "bubblewrap"
    told = served.cli("doctor", code=None, DOGWATCH_SANDBOX="auto").stdout
    assert "✓ scripts: isolation bubblewrap, limits for each " in told


def test_a_demand_is_made_by_the_command_line(served: Served) -> None:
    served.cli("workspace", "isolate", "1", "bubblewrap")
    assert served.get("/workspace")["least_isolation"] == "bubblewrap"
    assert ran(served, "bash", "true").told["outcome"] == "ok"
