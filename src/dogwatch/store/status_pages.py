"""Status pages and the posts on them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, delete, func, insert, select, update

from dogwatch.core.status_page import Item, items_from
from dogwatch.store.tables import status_pages, status_posts
from dogwatch.store.tx import Tx


@dataclass(frozen=True, slots=True)
class StatusPage:
    """A page at `/status/{slug}`."""

    workspace_id: int
    id: str
    slug: str
    title: str
    description: str
    public: bool
    items: tuple[Item, ...]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Update:
    """What was said of an incident at a time."""

    at: datetime
    state: str
    text: str


@dataclass(frozen=True, slots=True)
class Post:
    """An incident as people tell of it; its state is that of the last update."""

    workspace_id: int
    id: str
    page_id: str
    title: str
    impact: str
    opened_at: datetime
    resolved_at: datetime | None
    updates: tuple[Update, ...]

    @property
    def state(self) -> str:
        """How it stands."""
        return self.updates[-1].state


def add(tx: Tx, page: StatusPage) -> None:
    """Insert a page; IntegrityError where its slug is taken."""
    tx.conn.execute(insert(status_pages).values(**_values(page)))


def save(tx: Tx, page: StatusPage) -> None:
    """Write back a page; IntegrityError where its slug is taken."""
    mine = status_pages.c.workspace_id == page.workspace_id, status_pages.c.id == page.id
    tx.conn.execute(update(status_pages).where(*mine).values(**_values(page)))


def of_workspace(tx: Tx, workspace_id: int) -> Sequence[StatusPage]:
    """Return the pages of a workspace, oldest first."""
    found = select(status_pages).where(status_pages.c.workspace_id == workspace_id)
    return _pages(tx, found.order_by(status_pages.c.id))


def by_slug(tx: Tx, slug: str) -> StatusPage | None:
    """Return the page at an address, whosever it is."""
    return next(iter(_pages(tx, select(status_pages).where(status_pages.c.slug == slug))), None)


def count(tx: Tx, workspace_id: int) -> int:
    """Return how many pages a workspace has."""
    mine = status_pages.c.workspace_id == workspace_id
    return int(tx.conn.scalar(select(func.count()).select_from(status_pages).where(mine)) or 0)


def remove(tx: Tx, page: StatusPage) -> None:
    """Delete a page with its posts."""
    mine = status_pages.c.workspace_id == page.workspace_id, status_pages.c.id == page.id
    tx.conn.execute(delete(status_pages).where(*mine))


def add_post(tx: Tx, post: Post) -> None:
    """Insert a post."""
    tx.conn.execute(insert(status_posts).values(**_post_values(post)))


def save_post(tx: Tx, post: Post) -> None:
    """Write back a post."""
    mine = status_posts.c.workspace_id == post.workspace_id, status_posts.c.id == post.id
    tx.conn.execute(update(status_posts).where(*mine).values(**_post_values(post)))


def post_by_id(tx: Tx, workspace_id: int, post_id: str) -> Post | None:
    """Return a post."""
    mine = status_posts.c.workspace_id == workspace_id, status_posts.c.id == post_id
    row = tx.conn.execute(select(status_posts).where(*mine)).first()
    return _post(row) if row else None


def posts(
    tx: Tx, workspace_id: int, page_id: str, limit: int, since_at: datetime | None = None
) -> Sequence[Post]:
    """Return the posts of a page, newest first; those open, or opened since a time."""
    found = select(status_posts).where(
        status_posts.c.workspace_id == workspace_id, status_posts.c.page_id == page_id
    )
    if since_at:
        lately = (status_posts.c.opened_at >= since_at) | status_posts.c.resolved_at.is_(None)
        found = found.where(lately)
    order = status_posts.c.opened_at.desc(), status_posts.c.id.desc()
    return [_post(row) for row in tx.conn.execute(found.order_by(*order).limit(limit))]


def count_open(tx: Tx, workspace_id: int) -> int:
    """Return how many posts of a workspace are not resolved."""
    mine = status_posts.c.workspace_id == workspace_id, status_posts.c.resolved_at.is_(None)
    return int(tx.conn.scalar(select(func.count()).select_from(status_posts).where(*mine)) or 0)


def remove_post(tx: Tx, post: Post) -> None:
    """Delete a post."""
    mine = status_posts.c.workspace_id == post.workspace_id, status_posts.c.id == post.id
    tx.conn.execute(delete(status_posts).where(*mine))


def _values(page: StatusPage) -> dict[str, Any]:
    values = {name: getattr(page, name) for name in StatusPage.__slots__}
    return values | {"items": [asdict(item) for item in page.items]}


def _pages(tx: Tx, found: Select[Any]) -> Sequence[StatusPage]:
    rows = [dict(row._mapping) for row in tx.conn.execute(found)]
    return [StatusPage(**row | {"items": items_from(row["items"])}) for row in rows]


def _post_values(post: Post) -> dict[str, Any]:
    values = {name: getattr(post, name) for name in Post.__slots__}
    told = [[one.at.isoformat(), one.state, one.text] for one in post.updates]
    return values | {"updates": told}


def _post(row: Row[Any]) -> Post:
    told = tuple(Update(datetime.fromisoformat(at), state, text) for at, state, text in row.updates)
    return Post(**{**row._mapping, "updates": told})
