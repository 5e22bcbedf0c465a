"""What pages load: small, ours, and as it was taken from others."""

import gzip
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[3] / "tools" / "vendor.py"
PAGE_BYTES = 60_000


def test_script_and_style_of_a_page_are_small() -> None:
    """All of them together, which no page loads."""
    folder = files("dogwatch.web.dashboard")
    every = [*folder.iterdir(), *folder.joinpath("vendor").iterdir()]
    sizes = {
        one.name: len(gzip.compress(one.read_bytes()))
        for one in every
        if one.name.endswith((".js", ".css"))
    }
    assert {"dashboard.js", "dashboard.css", "uPlot.js", "log.js"} <= sizes.keys()
    assert sum(sizes.values()) <= PAGE_BYTES, sizes


@pytest.mark.parametrize("name", ["dashboard.js", "flow.js", "live.js", "log.js", "plot.js"])
def test_scripts_reach_nothing_but_ours(name: str) -> None:
    text = files("dogwatch.web.dashboard").joinpath(name).read_text()
    strange = ("http://", "https://", "innerHTML", "eval(", "insertAdjacentHTML")
    assert [word for word in strange if word in text] == []


@pytest.mark.parametrize(
    "sheet", ["dogwatch.web.dashboard/dashboard.css", "dogwatch.web.status/status.css"]
)
def test_styles_can_be_read_from_right_to_left(sheet: str) -> None:
    package, _, name = sheet.partition("/")
    text = files(package).joinpath(name).read_text()
    sided = r"(margin|padding|border)-(left|right)|[\s{;](left|right)\s*:|text-align: *(left|right)"
    assert re.findall(sided, text) == []
    assert "prefers-reduced-motion: reduce" in text or not re.search("animation|transition", text)


def test_what_others_wrote_is_as_it_was_taken() -> None:
    done = subprocess.run(
        [sys.executable, TOOL, "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
