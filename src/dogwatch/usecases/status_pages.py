"""Status pages: making and changing them, and posting of incidents on them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from sqlalchemy.exc import IntegrityError

from dogwatch.core.dialects import LOWER
from dogwatch.core.plans import admit, plan_of
from dogwatch.core.problems import Problem, invalid
from dogwatch.core.status_page import UPDATES, Item, PageSpec, check, check_post, check_update
from dogwatch.ids import new_id, new_text
from dogwatch.store import status_pages, watches, workspaces
from dogwatch.store.status_pages import Post, StatusPage, Update
from dogwatch.store.tx import Tx
from dogwatch.usecases import keeping

__all__ = ["Post", "StatusPage", "Update"]

SLUG_LENGTH = 8
POSTS = 1_000


def listed(tx: Tx, workspace_id: int) -> Sequence[StatusPage]:
    """Return the pages of a workspace, oldest first."""
    return status_pages.of_workspace(tx, workspace_id)


def find(tx: Tx, workspace_id: int, name: str) -> StatusPage:
    """Return the page with this id or slug, or raise not_found."""
    every = status_pages.of_workspace(tx, workspace_id)
    found = next((one for one in every if name in (one.id, one.slug)), None)
    if found is None:
        raise Problem("not_found", f"there is no status page {name!r}")
    return found


def add(tx: Tx, workspace_id: int, spec: PageSpec, at: datetime) -> StatusPage:
    """Make a page; its watches are named by id or slug."""
    spec = check(spec)
    workspace = workspaces.get(tx, workspace_id, lock=True)
    if workspace:
        present = status_pages.count(tx, workspace_id)
        admit(plan_of(workspace.plan), "status_pages", present)
    page = StatusPage(
        workspace_id, new_id(at), spec.slug or new_text(LOWER, SLUG_LENGTH), spec.title,
        spec.description, spec.public, _known(tx, workspace_id, spec.items), at, at,
    )  # fmt: skip
    with _unique_slug(tx, page.slug):
        status_pages.add(tx, page)
    return page


def spec_of(page: StatusPage) -> PageSpec:
    """Return what the owner of a page said of it."""
    return PageSpec(
        title=page.title, slug=page.slug, description=page.description, public=page.public,
        items=page.items,
    )  # fmt: skip


def change(tx: Tx, page: StatusPage, spec: PageSpec, at: datetime) -> StatusPage:
    """Change a page; one that is kept in a manifest is changed there."""
    keeping.refuse(tx, page.workspace_id, (keeping.PAGE, page.id), page.slug)
    spec = check(spec)
    changed = replace(
        page, slug=spec.slug or page.slug, title=spec.title, description=spec.description,
        public=spec.public, items=_known(tx, page.workspace_id, spec.items, page.items),
        updated_at=at,
    )  # fmt: skip
    with _unique_slug(tx, changed.slug):
        status_pages.save(tx, changed)
    return changed


def remove(tx: Tx, page: StatusPage) -> None:
    """Delete a page with its posts."""
    keeping.let_go(tx, page.workspace_id, (keeping.PAGE, page.id))
    status_pages.remove(tx, page)


def _known(
    tx: Tx, workspace_id: int, items: Sequence[Item], kept: Sequence[Item] = ()
) -> tuple[Item, ...]:
    """Return items with their watches by id; those that were there stay though theirs is gone."""
    gone = {one.watch for one in kept}
    found, bad = [], {}
    for place, one in enumerate(items):
        record = watches.by_name(tx, workspace_id, one.watch) if one.watch else None
        if one.watch and not record and one.watch not in gone:
            bad[f"items.{place}.watch"] = f"there is no watch {one.watch!r}"
        found.append(replace(one, name=one.name.strip(), watch=record.id if record else one.watch))
    if bad:
        raise Problem("invalid", "; ".join(bad.values()), bad)
    return tuple(found)


@contextmanager
def _unique_slug(tx: Tx, slug: str) -> Iterator[None]:
    try:
        with tx.conn.begin_nested():
            yield
    except IntegrityError:
        message = f"{slug} is taken"
        raise Problem("conflict", f"slug: {message}", {"slug": message}) from None


# --- posts -------------------------------------------------------------------------------------


def posts(tx: Tx, page: StatusPage) -> Sequence[Post]:
    """Return the posts of a page, newest first."""
    return status_pages.posts(tx, page.workspace_id, page.id, POSTS)


def find_post(tx: Tx, workspace_id: int, post_id: str) -> Post:
    """Return a post or raise not_found."""
    found = status_pages.post_by_id(tx, workspace_id, post_id)
    if found is None:
        raise Problem("not_found", f"there is no post {post_id!r}")
    return found


def post(
    tx: Tx, page: StatusPage, title: str, impact: str, state: str, text: str, at: datetime
) -> Post:
    """Tell of an incident on a page."""
    check_post(title, impact)
    check_update(state, text)
    workspace = workspaces.get(tx, page.workspace_id, lock=True)
    if workspace and state != "resolved":
        present = status_pages.count_open(tx, page.workspace_id)
        admit(plan_of(workspace.plan), "active_incidents", present)
    made = Post(
        page.workspace_id, new_id(at), page.id, title.strip(), impact, at,
        at if state == "resolved" else None, (Update(at, state, text.strip()),),
    )  # fmt: skip
    status_pages.add_post(tx, made)
    return made


def update(
    tx: Tx, told: Post, at: datetime, *, title: str, impact: str, state: str = "", text: str = ""
) -> Post:
    """Give a post another title or impact; with a state or a text, say how things stand now."""
    check_post(title, impact)
    changed = replace(told, title=title.strip(), impact=impact)
    if state or text:
        state = state or told.state
        check_update(state, text)
        if len(told.updates) >= UPDATES:
            raise invalid("text", f"at most {UPDATES} updates; open another post")
        resolved_at = (told.resolved_at or at) if state == "resolved" else None
        updates = (*told.updates, Update(at, state, text.strip()))
        changed = replace(changed, resolved_at=resolved_at, updates=updates)
    status_pages.save_post(tx, changed)
    return changed


def remove_post(tx: Tx, told: Post) -> None:
    """Delete a post."""
    status_pages.remove_post(tx, told)
