"""The one place that turns a failure into an exit code and into words on standard error."""

import os
import sys
from collections.abc import Mapping

import click

from dogwatch.core.problems import Kind, Problem

GOOD, FAILED, DIFFERS, NOT_FOUND, REFUSED, AWAY = range(6)

CODES: Mapping[Kind, int] = {
    "invalid": DIFFERS,
    "not_found": NOT_FOUND,
    "conflict": REFUSED,
    "refused": REFUSED,
    "unauthorized": REFUSED,
    "exceeded": REFUSED,
    "limited": REFUSED,
    "away": AWAY,
}

_STATUSES: Mapping[int, Kind] = {
    401: "unauthorized",
    403: "refused",
    404: "not_found",
    409: "conflict",
    410: "not_found",
    412: "conflict",
    429: "limited",
}


def kind_of(status: int) -> Kind:
    """Return the kind of problem that an HTTP status of 300 or more stands for."""
    return _STATUSES.get(status, "away" if status >= 500 else "invalid")


def report(error: Exception) -> int:
    """Say what went wrong on standard error and return the exit code."""
    if isinstance(error, Problem):
        click.echo(f"dogwatch: {error.message}", err=True)
        return CODES[error.kind]
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.ClickException):
        error.show()
        return DIFFERS
    if isinstance(error, click.Abort):
        return 130
    if isinstance(error, BrokenPipeError):
        return _closed_pipe()
    if isinstance(error, PermissionError) and error.filename:  # what another user has made
        return report(Problem("refused", f"cannot use {error.filename}: {error.strerror}"))
    raise error


def _closed_pipe() -> int:
    """Return the code of a reader that left early, and keep the interpreter quiet about it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141
