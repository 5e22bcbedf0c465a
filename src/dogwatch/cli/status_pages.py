"""Public status pages: status-page add, ls, show, set, rm, post, update."""

from collections.abc import Sequence
from typing import Any

import click

from dogwatch.cli.client import connect
from dogwatch.cli.confirm import YES, confirm
from dogwatch.cli.output import as_json, local, table
from dogwatch.cli.session import Group, Session, command, said

_STATES = click.Choice(("investigating", "identified", "monitoring", "resolved"))
_IMPACTS = click.Choice(("minor", "major", "critical"))


@click.group("status-page", cls=Group)
def status_page_command() -> None:
    """Pages that anybody may see: how things stand, under names that you give them."""


def _items(watches: Sequence[str], tags: Sequence[str]) -> list[dict[str, str]]:
    """Return items of "Name=slug" words: those of watches, then those of tags."""
    return [_item(word, "watch") for word in watches] + [_item(word, "tag") for word in tags]


def _item(word: str, kind: str) -> dict[str, str]:
    name, sign, of = word.rpartition("=")
    if not sign or not name.strip() or not of.strip():
        raise click.UsageError(f"Write --{kind} as 'Name shown={kind}', not {word!r}.")
    return {"name": name.strip(), kind: of.strip()}


@command(
    "add",
    """
dogwatch status-page add "Shop status" --watch "Website=shop-web" --tag "Payments=pay"
dogwatch status-page add "Shop status" --slug shop --public --watch "Website=shop-web"
""",
)
@click.argument("title")
@click.option("--slug", help="Its address, /status/SLUG; one that cannot be guessed if absent.")
@click.option("--description", default="", help="A line or two below the title.")
@click.option("--public", is_flag=True, help="Search engines may list it.")
@click.option("--watch", "watches", multiple=True, metavar="NAME=SLUG", help="May be repeated.")
@click.option("--tag", "tags", multiple=True, metavar="NAME=TAG", help="All watches of a tag.")
def status_page_add(
    session: Session, title: str, slug: str | None, description: str, public: bool,
    watches: tuple[str, ...], tags: tuple[str, ...],
) -> None:  # fmt: skip
    """Make a page."""
    asked = {
        "title": title, "description": description, "public": public,
        "items": _items(watches, tags), **({"slug": slug} if slug else {}),
    }  # fmt: skip
    made = connect(session).send("POST", "/status-pages", asked)
    as_json(made) if session.json else click.echo(made["url"])


@command("ls", "dogwatch status-page ls\ndogwatch status-page ls --json")
def status_page_ls(session: Session) -> None:
    """List the pages."""
    found = connect(session).pages("/status-pages")
    if session.json:
        as_json(found)
        return
    rows = [
        {
            "page": one["slug"],
            "title": one["title"],
            "listed": "public" if one["public"] else "unlisted",
            "shows": len(one["items"]),
            "url": one["url"],
        }
        for one in found
    ]
    table(rows, ("page", "title", "listed", "shows", "url"))


@command("show", "dogwatch status-page show shop\ndogwatch status-page show shop --json")
@click.argument("page")
def status_page_show(session: Session, page: str) -> None:
    """Show a page: what it shows, and what was posted on it."""
    api = connect(session)
    found = api.get(f"/status-pages/{page}")
    posts = api.pages(f"/status-pages/{page}/posts")
    if session.json:
        as_json({**found, "posts": posts})
        return
    click.echo(f"{found['title']}\n{found['url']}")
    for one in found["items"]:
        of = f"tag {one['tag']}" if one["tag"] else one["watch"]
        click.echo(f"  {one['name']}: {of}")
    rows = [
        {
            "post": one["id"],
            "title": one["title"],
            "impact": one["impact"],
            "state": one["state"],
            "since": local(one["opened_at"]),
        }
        for one in posts
    ]
    if rows:
        table(rows, ("post", "title", "impact", "state", "since"))


@command(
    "set",
    """
dogwatch status-page set shop --title "Shop" --unlisted
dogwatch status-page set shop --watch "Website=shop-web" --watch "API=shop-api"
""",
)
@click.argument("page")
@click.option("--title")
@click.option("--slug", help="Another address.")
@click.option("--description")
@click.option("--public/--unlisted", default=None, help="Whether search engines may list it.")
@click.option(
    "--watch", "watches", multiple=True, metavar="NAME=SLUG", help="Replaces what it shows."
)
@click.option("--tag", "tags", multiple=True, metavar="NAME=TAG", help="Replaces what it shows.")
def status_page_set(
    session: Session, page: str, watches: tuple[str, ...], tags: tuple[str, ...], **given: Any
) -> None:
    """Change a page."""
    asked = said(given)
    if watches or tags:
        asked["items"] = _items(watches, tags)
    if not asked:
        raise click.UsageError("Say what to change; see --help.")
    changed = connect(session).send("PATCH", f"/status-pages/{page}", asked)
    as_json(changed) if session.json else click.echo(changed["url"])


@command("rm", "dogwatch status-page rm shop\ndogwatch status-page rm shop --yes")
@click.argument("page")
@YES
def status_page_rm(session: Session, page: str, yes: bool) -> None:
    """Delete a page with its posts."""
    confirm(f"Delete status page {page} with its posts?", yes=yes)
    connect(session).send("DELETE", f"/status-pages/{page}")
    done = {"deleted": page}
    as_json(done) if session.json else click.echo(f"status page {page} is deleted")


@command(
    "post",
    """
dogwatch status-page post shop "Payments fail" --impact major --text "We look into it."
dogwatch status-page post shop "Slow" --state identified --text "A disk is full."
""",
)
@click.argument("page")
@click.argument("title")
@click.option("--text", required=True, help="What people read.")
@click.option("--impact", type=_IMPACTS, default="minor", show_default=True)
@click.option("--state", type=_STATES, default="investigating", show_default=True)
def status_page_post(session: Session, page: str, title: str, **said: str) -> None:
    """Tell of an incident on a page."""
    made = connect(session).send("POST", f"/status-pages/{page}/posts", {"title": title, **said})
    as_json(made) if session.json else click.echo(f"{made['title']} is post {made['id']}")


@command(
    "update",
    """
dogwatch status-page update 01kam3v7t0000000000000000a --state monitoring --text "It is mended."
dogwatch status-page update 01kam3v7t0000000000000000a --state resolved --text "All is well."
""",
)
@click.argument("post")
@click.option("--state", type=_STATES, help="As before if absent.")
@click.option("--text", help="What people read.")
@click.option("--impact", type=_IMPACTS)
@click.option("--title")
def status_page_update(session: Session, post: str, **given: str | None) -> None:
    """Say how an incident stands now."""
    asked = said(given)
    if not asked:
        raise click.UsageError("Say what is new; see --help.")
    changed = connect(session).send("PATCH", f"/status-posts/{post}", asked)
    as_json(changed) if session.json else click.echo(f"{changed['title']}: {changed['state']}")


for one in (
    status_page_add, status_page_ls, status_page_show, status_page_set, status_page_rm,
    status_page_post, status_page_update,
):  # fmt: skip
    status_page_command.add_command(one)
