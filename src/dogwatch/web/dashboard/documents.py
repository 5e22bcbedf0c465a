"""The documents that are shipped inside: all that can be read without a connection."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import PurePosixPath

from fastapi import Response
from markupsafe import Markup

from dogwatch.core.markdown import html, title
from dogwatch.core.problems import Problem
from dogwatch.web.dashboard.pages import rendered
from dogwatch.web.dashboard.visit import Visit

_DOCS = files("dogwatch.web").joinpath("docs")


@cache
def texts() -> Mapping[str, str]:
    """Return the documents by name, as "alerts" or "dialects/cronium"."""
    found = {}
    for folder in ("", "dialects/"):
        for one in sorted(_DOCS.joinpath(folder).iterdir(), key=lambda file: file.name):
            if one.name.endswith(".md"):
                name = f"{folder}{one.name.removesuffix('.md')}"
                found[name] = one.read_text(encoding="utf-8")
    return found


async def show_all(visit: Visit) -> Response:
    """Show which documents there are."""
    titles = [(name, title(text)) for name, text in texts().items()]
    return rendered(visit, "documents.html", titles=titles)


async def show(visit: Visit) -> Response:
    """Show one."""
    name = str(visit.request.path_params["name"])
    if name not in texts():
        raise Problem("not_found", "there is no such document")
    text = texts()[name]
    body = html(text, lambda address: _there(name, address))
    return rendered(
        visit,
        "document.html",
        name=title(text),
        body=Markup(body),  # noqa: S704 (escaped there)
    )


def _there(name: str, address: str) -> str:
    """Return where an address of a document leads; "" for what is not shipped."""
    if address.startswith(("https://", "http://", "#")):
        return address
    path, _, anchor = address.partition("#")
    parts: list[str] = []
    for part in (PurePosixPath(name).parent / path).parts:
        if part == "..":
            if not parts:
                return ""
            parts.pop()
        else:
            parts.append(part)
    target = "/".join(parts).removesuffix(".md")
    if target not in texts():
        return ""
    up = "../" * name.count("/")
    return f"{up}{target}" + (f"#{anchor}" if anchor else "")
