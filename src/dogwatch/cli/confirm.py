"""Asking before something is gone for good."""

import sys

import click

# What every command takes that removes something for good.
YES = click.option("--yes", "-y", is_flag=True, help="Don't ask.")


def confirm(question: str, *, yes: bool) -> None:
    """Go on only if `yes` was given or a person at a terminal agrees."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("Nobody is here to be asked; give --yes.")
    click.confirm(question, abort=True, err=True)
