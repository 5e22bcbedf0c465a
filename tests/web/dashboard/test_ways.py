"""What can be copied from a page is what works there."""

import subprocess

import pytest

from dogwatch.web.dashboard.crontab import told
from dogwatch.web.dashboard.ways import CURL, ways

URL = "https://watch.example/ping/KEY"


def test_each_way_holds_the_real_address() -> None:
    every = dict(ways(URL))
    assert {"crontab", "systemd", "PHP", "GitHub Actions"} <= set(every)
    assert all(URL in text for text in every.values())
    assert "${{ job.status != 'success' && '/fail' || '' }}" in every["GitHub Actions"]


@pytest.mark.parametrize(
    ("line", "rewritten"),
    [
        ("0 2 * * * backup", f"0 2 * * * backup; {CURL} {URL}/$?"),
        ("@daily mail bob%hello%there", f"@daily mail bob; {CURL} {URL}/$?%hello%there"),
        (r"5 * * * * date +\%F ", rf"5 * * * * date +\%F; {CURL} {URL}/$?"),
    ],
)
def test_a_line_tells_its_exit_status(line: str, rewritten: str) -> None:
    assert told(line, URL) == rewritten


def test_the_exit_status_is_the_commands() -> None:
    line = told("0 2 * * * sh -c 'exit 3'", URL).removeprefix("0 2 * * * ")
    done = subprocess.run(
        ["/bin/sh", "-c", line.replace(CURL, "echo")], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{URL}/3\n"
