"""What is gone for good is asked for, where somebody is there to answer."""

import io

import click
import pytest

from dogwatch.cli.confirm import confirm


class Terminal(io.StringIO):
    """Standard input at which somebody types."""

    def isatty(self) -> bool:
        return True


def test_a_person_agrees_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    confirm("Delete it?", yes=False)
    monkeypatch.setattr("sys.stdin", Terminal("\n"))
    with pytest.raises(click.Abort):
        confirm("Delete it?", yes=False)


def test_without_a_person_it_must_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    confirm("Delete it?", yes=True)
    with pytest.raises(click.UsageError):
        confirm("Delete it?", yes=False)
