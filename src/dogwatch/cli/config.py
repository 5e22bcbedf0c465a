"""`dogwatch config`: every setting, its value, and where it came from."""

from dataclasses import asdict
from typing import Any

import click

from dogwatch.cli.flags import configured, server_flags
from dogwatch.cli.output import as_json, table
from dogwatch.cli.session import Session, command
from dogwatch.config import describe

EXAMPLES = """
dogwatch config
dogwatch config --json
DOGWATCH_LISTEN=0.0.0.0:80 dogwatch config
"""


@command("config", EXAMPLES)
@server_flags
def config_command(session: Session, **flags: Any) -> None:
    """Show every setting and where it came from.

    Flags win over the environment, the environment over the file, the file over the default.
    Secrets are masked. It is what a server would get that is started from here; one that runs
    keeps what it was started with.
    """
    rows = [asdict(row) for row in describe(configured(session, flags))]
    if session.json:
        as_json(rows)
    else:
        table(rows, ("name", "value", "source"))
        told = "what a server started from here would get; one that runs keeps its own"
        click.echo(f"dogwatch: {told}", err=True)
