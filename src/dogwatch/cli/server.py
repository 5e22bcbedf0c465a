"""`dogwatch up` and `dogwatch worker`: the server, and an engine beside it."""

from typing import Any

import click

from dogwatch.boot import first_run
from dogwatch.boot.process import serve
from dogwatch.boot.store import alone
from dogwatch.cli.flags import configured, server_flags
from dogwatch.cli.session import Session, command
from dogwatch.core.problems import Problem


@command("up", "dogwatch up\ndogwatch up --demo\n"
         "dogwatch up --listen 127.0.0.1:9000 --data /srv/dogwatch\n"
         "dogwatch up --database postgresql://dogwatch:secret@db/dogwatch")  # fmt: skip
@click.option("--demo", is_flag=True, help="Add twelve examples, with a history of thirty days.")
@server_flags
def up_command(session: Session, demo: bool, **flags: Any) -> None:
    """Run the server until SIGTERM or Ctrl-C."""
    config = configured(session, flags)

    def ready() -> None:
        click.echo(f"Dogwatch is up at {config.listen.url}", err=True)
        click.echo(f"  data   {config.data}", err=True)
        click.echo(f"  docs   {config.listen.url}/docs", err=True)
        click.echo("  stop   Ctrl-C", err=True)
        if link := first_run.link(config):
            click.echo(f"  set up {link}", err=True)
            click.echo("         within 15 minutes; for a new link: dogwatch init", err=True)

    serve(config, ready=ready, examples=demo)


@command("worker", "dogwatch worker --database postgresql://dogwatch:secret@db/dogwatch")
@server_flags
def worker_command(session: Session, **flags: Any) -> None:
    """Run an engine without the web, beside others on one PostgreSQL.

    All need the same secret key: copy secret.key from the first node's data directory into this
    one's, or set DOGWATCH_SECRET_KEY.
    """
    config = configured(session, flags)
    if alone(config):
        raise Problem("refused", "SQLite has one process only; give --database postgresql://…")

    def ready() -> None:
        click.echo(f"Dogwatch works on the database with the others; data {config.data}", err=True)

    serve(config, web=False, ready=ready)
