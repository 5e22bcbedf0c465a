"""Changing and removing watches and jobs: edit, rm."""

from collections.abc import Mapping
from typing import Any

import click

from dogwatch.cli.client import connect
from dogwatch.cli.confirm import YES, confirm
from dogwatch.cli.output import as_json
from dogwatch.cli.schedule import EXPRESSION
from dogwatch.cli.session import Session, command, said
from dogwatch.cli.watches import LIMITS, pause_command, resume_command, show

NO_SCHEDULE = click.option("--no-schedule", is_flag=True, help="Run only when asked to.")


def unscheduled(given: Mapping[str, Any], *, no_schedule: bool) -> dict[str, None]:
    """Return what takes the schedule away, if that is meant."""
    if no_schedule and "schedule" in given:
        raise click.UsageError("Give --schedule or --no-schedule, one of them.")
    return {"schedule": None} if no_schedule else {}


@command(
    "edit",
    """
dogwatch edit nightly-backup --schedule "0 3 * * *" --grace 1800
dogwatch edit nightly-backup --name "Backup of db1" --slug db1-backup
dogwatch edit nightly-backup --tag db --tag prod
""",
)
@click.argument("slug")
@click.option("--name", help="What people read.")
@click.option("--slug", "new_slug", help="Short name for commands and addresses.")
@EXPRESSION
@NO_SCHEDULE
@click.option("--tz", "timezone", metavar="ZONE", help="Its time zone.")
@LIMITS
@click.option("--tag", "tags", multiple=True, help="All its tags from now on; may be repeated.")
@click.option("--description", help="What whoever is told should know; its first line is told.")
@click.option("--no-tags", is_flag=True, help="Take all its tags away.")
def edit_command(
    session: Session,
    slug: str,
    new_slug: str | None,
    no_tags: bool,
    no_schedule: bool,
    **options: Any,
) -> None:
    """Change a watch, a job or a probe; what is not given stays."""
    given = said(options)
    given |= unscheduled(given, no_schedule=no_schedule)
    given |= {"slug": new_slug} if new_slug else {}
    given |= {"tags": []} if no_tags else {}
    if not given:
        raise click.UsageError("Nothing to change; give an option.")
    api = connect(session)
    watch = api.send("PATCH", f"/watches/{slug}", given)
    if watch["kind"] == "job":
        watch = api.get(f"/jobs/{watch['id']}")
    as_json(watch) if session.json else show(watch)


@command(
    "rm",
    "dogwatch rm nightly-backup\ndogwatch rm old-sync older-sync --yes\n"
    "dogwatch job rm rotate-reports\ndogwatch probe rm shop --yes",
)
@click.argument("slugs", metavar="SLUG...", nargs=-1, required=True)
@YES
def rm_command(session: Session, slugs: tuple[str, ...], yes: bool) -> None:
    """Delete watches and jobs with all that was kept of them."""
    api = connect(session)
    found = [api.get(f"/watches/{slug}") for slug in slugs]
    named = ", ".join(watch["slug"] for watch in found)
    confirm(f"Delete {named}, with all pings and runs?", yes=yes)
    for watch in found:
        api.send("DELETE", f"/watches/{watch['id']}")
        if not session.json:
            click.echo(f"{watch['slug']} is deleted")
    if session.json:
        as_json({"deleted": [watch["slug"] for watch in found]})


# What a group of jobs or probes can do as well as the root.
OF_ALL = (pause_command, resume_command, rm_command)
