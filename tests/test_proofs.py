"""The proofs: how long they take, what they collect, and the table that is made of it."""

from pathlib import Path

import pytest

from tests.harness.proof import length, tell
from tools.proofs import main, table


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that collects, and no budget."""
    monkeypatch.delenv("DOGWATCH_PROVE", raising=False)
    monkeypatch.setenv("DOGWATCH_PROOFS", str(tmp_path / "proofs"))
    return tmp_path / "proofs"


def test_what_is_told_becomes_a_table(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tell("no ping is lost", "9 sent, 9 kept", holds=True, seed="7")
    assert main(file) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "| promise | figure | verdict | seed |",
        "| --- | --- | --- | --- |",
        "| no ping is lost | 9 sent, 9 kept | holds | 7 |",
    ]


def test_a_broken_promise_and_no_promise_at_all_fail(file: Path) -> None:
    assert main(file) == 1
    tell("no ping is lost", "9 sent, 9 kept", holds=True)
    tell("no ping is lost", "9 sent, 8 kept", holds=False)
    assert not table(file.read_text().splitlines())[1]
    assert main(file) == 1


def test_a_proof_takes_its_share_of_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    assert length("DOGWATCH_PROVE_IT", 4, 120) == 4
    monkeypatch.setenv("DOGWATCH_PROVE", "30")
    assert length("DOGWATCH_PROVE_IT", 4, 120) == 60
    assert length("DOGWATCH_PROVE_IT", 4, 6) == 4
    monkeypatch.setenv("DOGWATCH_PROVE_IT", "2.5")
    assert length("DOGWATCH_PROVE_IT", 4, 120) == 2.5
