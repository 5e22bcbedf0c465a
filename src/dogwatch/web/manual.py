"""The manual at `/docs`: the files of `docs/`, which the package carries along, as pages."""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from importlib.resources.abc import Traversable
from posixpath import dirname, join, normpath

from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from markdown_it import MarkdownIt
from markdown_it.token import Token
from starlette.exceptions import HTTPException

from dogwatch import __version__
from dogwatch.web.page import Endpoint, html

# Where the files take the reader's own server to be.
_HERE = "http://127.0.0.1:8000/"
_HEADINGS = frozenset({"h1", "h2", "h3"})
_BREAK = "softbreak"
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


def _code(_: object, tokens: Sequence[Token], at: int, *__: object) -> str:
    """Return a block of code that can be scrolled by keys; a diagram's would tell nobody much."""
    if tokens[at].info == "mermaid":
        return ""
    return f'<pre tabindex="0"><code>{escape(tokens[at].content)}</code></pre>\n'


_MARKDOWN.add_render_rule("fence", _code)


def install(app: FastAPI) -> None:
    """Add the manual to an application."""
    app.add_route("/api", _to_api)
    app.add_route("/docs", _show)
    app.add_route("/docs/{name:path}", _show)


async def _to_api(_: Request) -> Response:
    return RedirectResponse("api/v1/docs", 308)


async def _show(request: Request) -> Response:
    name = request.path_params.get("name", "")
    if name and name not in chapters():
        raise HTTPException(404)
    return await _page(name)(request)


@cache
def chapters() -> Mapping[str, str]:
    """Return the file of each page below `/docs/`; a folder's README is at the folder's name."""
    found = sorted(_paths(_folder(), ""), key=lambda path: (path.count("/"), path))
    return {_name(path): path for path in found}


def anchor(heading: str) -> str:
    """Return the place of a heading in an address, as the files themselves link to it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@cache
def _page(name: str) -> Endpoint:
    title, body = _chapter(chapters()[name], _up(name)) if name else _contents()
    return html(f"{title} – Dogwatch", body, _up(name))


def _folder() -> Traversable:
    return files("dogwatch") / "docs"


def _paths(folder: Traversable, within: str) -> Iterator[str]:
    for one in folder.iterdir():
        if one.is_dir():
            yield from _paths(one, f"{within}{one.name}/")
        elif one.name.endswith(".md"):
            yield within + one.name


def _name(path: str) -> str:
    return path.removesuffix(".md").removesuffix("/README")


def _up(name: str) -> str:
    """Return the way from a page to the front page."""
    return "../" * len(name.split("/")) if name else ""


def _contents() -> tuple[str, str]:
    """Return the first page: all others, each by its heading and its first sentence."""
    rows = []
    for name, path in chapters().items():
        tokens = _parsed(path)
        told = re.split(r"(?<=\.)\s", _text_of(tokens, "paragraph_open"))[0]
        link = f'<a href="docs/{name}">{escape(_text_of(tokens, "heading_open"))}</a>'
        rows.append(f"<dt>{link}</dt><dd>{escape(told)}</dd>\n")
    head = f"<h1>Dogwatch {escape(__version__)}: the manual</h1>\n"
    ways = '<p><a href="./">Dogwatch</a> · <a href="api/v1/docs">The API</a></p>\n'
    return "Manual", f"{head}{ways}<dl>{''.join(rows)}</dl>"


def _chapter(path: str, up: str) -> tuple[str, str]:
    tokens = _parsed(path)
    ways = [f'<a href="{up}docs">The manual</a>']
    for opened, inline in itertools.pairwise(tokens):
        if opened.type == "heading_open" and opened.tag in _HEADINGS:
            place = anchor(_text(inline))
            opened.attrSet("id", place)
            if opened.tag == "h2":
                ways.append(f'<a href="#{place}">{escape(_text(inline))}</a>')
        for one in opened.children or ():
            if one.type == "link_open":
                one.attrSet("href", _link(path, up, str(one.attrGet("href"))))
    body = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    return _text_of(tokens, "heading_open"), f"<nav>{' · '.join(ways)}</nav>\n{body}"


def _parsed(path: str) -> Sequence[Token]:
    return _MARKDOWN.parse(_folder().joinpath(path).read_text(encoding="utf-8"))


def _text_of(tokens: Sequence[Token], kind: str) -> str:
    """Return the text of the first block of this kind."""
    return next(
        _text(inline) for opened, inline in itertools.pairwise(tokens) if opened.type == kind
    )


def _text(inline: Token) -> str:
    """Return the words of a line of text, without what marks them."""
    return "".join(" " if one.type == _BREAK else one.content for one in inline.children or ())


def _link(path: str, up: str, href: str) -> str:
    """Return where a link of a file leads from its page."""
    if href.startswith(_HERE):
        return up + href.removeprefix(_HERE)
    file, mark, place = href.partition("#")
    if not file or "://" in file:
        return href
    return f"{up}docs/{_name(normpath(join(dirname(path), file)))}{mark}{place}"
