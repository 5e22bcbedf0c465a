"""The documentation page: the OpenAPI document as plain HTML."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_Document = Mapping[str, Any]

INTRODUCTION = """
<h1>Dogwatch API</h1>
<p>Every call needs an API key, <code>Authorization: Bearer dw_live_…</code>; make one with
<code>dogwatch key new --name me --scopes '*'</code>. Bodies are JSON. Times are ISO 8601 in UTC.
Errors are <code>application/problem+json</code> and list every bad field;
an unknown field or query parameter is one. What answers GET answers HEAD. Lists take
<code>limit</code> (1 to 200) and <code>cursor</code>, and answer <code>next_cursor</code>.
A POST with an <code>Idempotency-Key</code> is carried out once, however often it is sent.</p>
<p>The same as a document for machines: <a href="openapi.json">openapi.json</a>.</p>
"""


def render(document: _Document) -> str:
    """Return the HTML of an OpenAPI document, in the order of its paths."""
    return INTRODUCTION + "".join(_sections(document))


def _sections(document: _Document) -> Iterator[str]:
    tag = ""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if operation["tags"][0] != tag:
                tag = operation["tags"][0]
                yield f'<h2 id="{escape(tag)}">{escape(tag.capitalize())}</h2>\n'
            yield "".join(_operation(document, path, method, operation))


def _operation(
    document: _Document, path: str, method: str, operation: Mapping[str, Any]
) -> Iterator[str]:
    yield f"<h3><code>{method.upper()} {escape(path)}</code></h3>\n"
    yield f"<p>{escape(operation.get('description', ''))} "
    yield f'<span class="scope">Scope {escape(operation["x-scope"])}.</span></p>\n'
    if parameters := operation.get("parameters"):
        rows = [_row(p["name"], p["in"], p.get("description", "")) for p in parameters]
        yield _table("Parameters", rows)
    if fields := _fields(document, operation.get("requestBody", {})):
        yield _table("Body", [_row(*field) for field in fields])
    for status, answer in operation["responses"].items():
        if status != "default" and (fields := _fields(document, answer)):
            yield _table(f"Answer {status}", [_row(*field) for field in fields])


def _table(title: str, rows: list[str]) -> str:
    head = f"<tr><th>{escape(title)}</th><th></th><th></th></tr>"
    return f"<table>{head}{''.join(rows)}</table>\n"


def _row(name: str, kind: str, description: str) -> str:
    cells = f"<td><code>{escape(name)}</code></td><td>{escape(kind)}</td>"
    return f"<tr>{cells}<td>{escape(description)}</td></tr>\n"


def _fields(document: _Document, holder: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    content = holder.get("content", {}).get("application/json", {})
    schema = _resolved(document, content.get("schema", {}))
    required = schema.get("required", ())
    return [
        (name, _kind(field) + (", required" if name in required else ""), _words(field))
        for name, field in schema.get("properties", {}).items()
    ]


def _words(field: Mapping[str, Any]) -> str:
    return str(field.get("description", ""))


def _resolved(document: _Document, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    choices = [one for one in schema.get("anyOf", ()) if "$ref" in one]
    reference = schema.get("$ref") or (choices[0]["$ref"] if choices else "")
    name = reference.rpartition("/")[2]
    found: Mapping[str, Any] = document["components"]["schemas"][name] if name else schema
    return found


def _kind(field: Mapping[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_kind(one) for one in field["anyOf"])
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if "enum" in field:
        return " or ".join(map(str, field["enum"]))
    if field.get("type") == "array":
        return f"list of {_kind(field.get('items', {}))}"
    return str(field.get("type", "any"))
