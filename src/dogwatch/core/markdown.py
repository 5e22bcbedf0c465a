"""The Markdown that our own documents use, as HTML: headings, lists, tables, code, links."""

import re
from collections.abc import Callable, Iterator, Sequence
from html import escape

Link = Callable[[str], str]

_HEADING = re.compile(r"(#{1,4}) (.*)")
_ITEM = re.compile(r"(?:- |\d+\. )(.*)")
_RULE = re.compile(r"\|[-:| ]+\|?$")
_INLINE = re.compile(r"`([^`]+)`|!?\[([^\]]*)\]\(([^)\s]+)\)|\*\*(.+?)\*\*|\*([^*\s][^*]*)\*")
_CELLS = re.compile(r"(?<!\\)\|")


def html(text: str, link: Link) -> str:
    """Return a document as HTML, all text escaped; `link` turns an address of the document into
    one of a page."""
    return "\n".join(_blocks(text.splitlines(), link))


def title(text: str) -> str:
    """Return the first heading."""
    first = next((found[2] for line in text.splitlines() if (found := _HEADING.match(line))), "")
    return re.sub(r"[`*]", "", first)


def anchor(heading: str) -> str:
    """Return the id of a heading, as code hosts make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _blocks(lines: Sequence[str], link: Link) -> Iterator[str]:
    at = 0
    while at < len(lines):
        line = lines[at]
        end = at + 1
        if line.startswith("```"):
            end = _until(lines, at + 1, lambda one: one.startswith("```"))
            code = escape("\n".join(lines[at + 1 : end]))
            yield f'<pre tabindex="0"><code>{code}</code></pre>'
            end += 1
        elif found := _HEADING.match(line):
            level, words = len(found[1]), found[2]
            yield f'<h{level} id="{escape(anchor(words))}">{_inline(words, link)}</h{level}>'
        elif line.startswith("|"):
            end = _until(lines, at, lambda one: not one.startswith("|"))
            yield _table(lines[at:end], link)
        elif _ITEM.match(line):
            end = _until(lines, at, lambda one: not one.strip())
            yield _list(lines[at:end], link)
        elif line.strip():
            end = _until(
                lines, at, lambda one: not one.strip() or one.startswith(("```", "|", "#"))
            )
            yield f"<p>{_inline(' '.join(lines[at:end]), link)}</p>"
        at = end


def _until(lines: Sequence[str], at: int, over: Callable[[str], bool]) -> int:
    return next((n for n in range(at, len(lines)) if over(lines[n])), len(lines))


def _list(lines: Sequence[str], link: Link) -> str:
    items: list[str] = []
    for line in lines:
        found = _ITEM.match(line)
        if found:
            items.append(found[1])
        else:
            items[-1] += f" {line.strip()}"
    kind = "ul" if lines[0].startswith("-") else "ol"
    inside = "".join(f"<li>{_inline(one, link)}</li>" for one in items)
    return f"<{kind}>{inside}</{kind}>"


def _table(lines: Sequence[str], link: Link) -> str:
    rows = [_CELLS.split(line.strip().strip("|")) for line in lines if not _RULE.match(line)]
    head, *body = [
        [_inline(cell.strip().replace("\\|", "|"), link) for cell in row] for row in rows
    ]
    heads = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    inside = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in body)
    return (
        '<div class="scroll" tabindex="0"><table>'
        f"<thead><tr>{heads}</tr></thead><tbody>{inside}</tbody></table></div>"
    )


def _inline(text: str, link: Link) -> str:
    parts, at = [], 0
    for found in _INLINE.finditer(text):
        parts += [escape(text[at : found.start()]), _marked(found, link)]
        at = found.end()
    return "".join(parts) + escape(text[at:])


def _marked(found: re.Match[str], link: Link) -> str:
    code, words, address, strong, soft = found.groups()
    if code is not None:
        return f"<code>{escape(code)}</code>"
    if address is not None:
        href = link(address)
        inside = _inline(words, link)
        return f'<a href="{escape(href)}">{inside}</a>' if href else inside
    if strong is not None:
        return f"<strong>{_inline(strong, link)}</strong>"
    return f"<em>{_inline(soft, link)}</em>"
