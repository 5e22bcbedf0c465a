"""A status page as a feed: RSS 2.0, an item for each update, so that readers notice it."""

from datetime import datetime
from email.utils import format_datetime
from html import escape

from dogwatch.usecases.status_pages import Update
from dogwatch.usecases.status_view import Post, View

MOST = 50


def written(view: View, url: str) -> str:
    """Return the document."""
    told = [(one, place, update) for one in view.posts for place, update in enumerate(one.updates)]
    told.sort(key=lambda item: item[2].at, reverse=True)
    items = "".join(_item(*item, url) for item in told[:MOST])
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel>\n'
        f"<title>{text(view.page.title)}</title><link>{text(url)}</link>\n"
        f"<description>{text(view.page.description or view.page.title)}</description>\n"
        f'<atom:link href="{text(url)}.rss" rel="self" type="application/rss+xml"/>\n'
        f"<lastBuildDate>{_date(view.at)}</lastBuildDate>\n{items}</channel></rss>\n"
    )


def _item(post: Post, place: int, update: Update, url: str) -> str:
    title = f"{update.state.capitalize()}: {post.title}"
    return (
        f"<item><title>{text(title)}</title><link>{text(url)}#{post.id}</link>\n"
        f'<guid isPermaLink="false">{post.id}-{place}</guid>\n'
        f"<pubDate>{_date(update.at)}</pubDate>\n"
        f"<category>{post.impact}</category>\n"
        f"<description>{text(update.text)}</description></item>\n"
    )


def _date(at: datetime) -> str:
    return format_datetime(at)


def text(words: str) -> str:
    """Return text as XML 1.0 can hold it: control characters are left out."""
    return escape("".join(one for one in words if one in "\t\n" or (one >= " " and _xml(one))))


def _xml(one: str) -> bool:
    return not ("\x7f" <= one <= "\x9f" or one in "\ufffe\uffff")
