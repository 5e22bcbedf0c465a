"""Every line of the log has the form that was asked for, whoever wrote it."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from dogwatch import config
from dogwatch.boot.process import log_to_stderr


@pytest.fixture
def apart() -> Iterator[None]:
    """Leave the log of the tests as it is."""
    root = logging.getLogger()
    level = root.level
    yield
    (made,) = (one for one in root.handlers if type(one) is logging.StreamHandler)
    root.removeHandler(made)
    made.stream.close()
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.usefixtures("apart")
def test_lines_of_libraries_are_json_where_ours_are(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    logging.getLogger().handlers.clear()  # those of pytest, which come and go with each phase
    log_to_stderr(config.load({"data": str(tmp_path), "log_format": "json"}, {}))
    structlog.get_logger("dogwatch").warning("ours", lane="http")
    try:
        raise ValueError("deep")
    except ValueError:
        logging.getLogger("library").exception("theirs %s", "too")
    logging.getLogger("library").info("unheard")
    ours, theirs = (json.loads(line) for line in capfd.readouterr().err.splitlines())
    assert (ours["event"], ours["lane"]) == ("ours", "http")
    assert (theirs["event"], theirs["logger"], theirs["level"]) == (
        "theirs too",
        "library",
        "error",
    )
    assert "ValueError: deep" in theirs["exception"]
    assert {"timestamp", "level"} <= ours.keys() & theirs.keys()
