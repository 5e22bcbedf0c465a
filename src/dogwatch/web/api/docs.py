"""The documentation page: the OpenAPI document as plain HTML."""

import json
import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_Document = Mapping[str, Any]

INTRODUCTION = """
<h1>Dogwatch API</h1>
<p>All addresses here begin with <code>/api/v1</code>. Every call needs an API key,
<code>Authorization: Bearer dw_live_…</code>; make one with
<code>dogwatch key new --name me --scopes '*'</code> and keep it in <code>$KEY</code>:</p>
<pre><code>curl http://127.0.0.1:8000/api/v1/watches -H "Authorization: Bearer $KEY"</code></pre>
<p>Bodies are JSON of at most 1 MiB and 5000 values. Times are ISO 8601 in UTC.
Errors are <code>application/problem+json</code> and list every bad field;
an unknown field or query parameter is one. What answers GET answers HEAD. Lists take
<code>limit</code> (1 to 200) and <code>cursor</code>, and answer <code>next_cursor</code>.
A POST with an <code>Idempotency-Key</code> is carried out once, however often it is sent.</p>
<p>The same as a document for machines: <a href="openapi.json">openapi.json</a>.</p>
"""


ACTIONS = """
<h2 id="actions">Actions</h2>
<p>The <code>action</code> of a job has a <code>kind</code> and the fields of that kind.</p>
<table><tr><th>http</th><th></th><th></th></tr>
<tr><td><code>url</code></td><td>string, required</td><td></td></tr>
<tr><td><code>method</code></td><td>string</td><td>GET</td></tr>
<tr><td><code>headers</code></td><td>object, or list of pairs</td><td></td></tr>
<tr><td><code>body</code></td><td>string</td><td></td></tr>
<tr><td><code>timeout_s</code></td><td>number</td><td>30; 1 to 300</td></tr>
<tr><td><code>expected_status</code></td><td>string</td>
<td><code>200-299</code>; ranges with commas</td></tr>
<tr><td><code>max_redirects</code></td><td>integer</td><td>5; 0 to 10</td></tr></table>
<table><tr><th>script</th><th></th><th></th></tr>
<tr><td><code>language</code></td><td>bash, python or node, required</td><td></td></tr>
<tr><td><code>source</code></td><td>string, required</td><td>at most 256 KiB</td></tr>
<tr><td><code>args</code></td><td>list of string</td><td></td></tr>
<tr><td><code>env</code></td><td>object</td><td></td></tr>
<tr><td><code>timeout_s</code></td><td>number</td><td>3600; up to 7 days</td></tr>
<tr><td><code>output_cap_bytes</code></td><td>integer</td><td>1 MiB</td></tr>
<tr><td><code>memory_limit_mb</code></td><td>integer</td><td>none</td></tr>
<tr><td><code>file_limit_mb</code></td><td>integer</td><td>1024</td></tr>
<tr><td><code>input</code></td><td>any</td><td>for runs that nobody gives another</td></tr>
<tr><td><code>interpreter</code></td><td>string</td><td>one that is allowed here</td></tr></table>
<h2 id="targets">Targets</h2>
<p>The <code>target</code> of a probe has a <code>kind</code> and the fields of that kind; each
takes <code>timeout_s</code>, 1 to 300.</p>
<table><tr><th>http</th><th></th><th></th></tr>
<tr><td>those of an http action</td><td></td><td></td></tr>
<tr><td><code>user_agent</code></td><td>string</td><td>that of the server</td></tr>
<tr><td><code>verify_tls</code></td><td>boolean</td><td>true</td></tr>
<tr><td><code>client_certificate</code>, <code>client_key</code></td><td>PEM</td><td></td></tr>
<tr><td><code>assertions</code></td><td>list of objects</td><td></td></tr></table>
<table><tr><th>tcp</th><th></th><th></th></tr>
<tr><td><code>host</code>, <code>port</code></td><td>required</td><td></td></tr></table>
<table><tr><th>tls</th><th></th><th></th></tr>
<tr><td><code>host</code></td><td>required</td><td></td></tr>
<tr><td><code>port</code>, <code>server_name</code></td><td></td><td>443, the host</td></tr>
<tr><td><code>days_left</code>, <code>warn_days_left</code></td><td>integer</td><td>1, 14</td></tr>
<tr><td><code>verify</code></td><td>boolean</td><td>true</td></tr></table>
<table><tr><th>dns</th><th></th><th></th></tr>
<tr><td><code>name</code></td><td>required</td><td></td></tr>
<tr><td><code>type</code></td><td>A, AAAA, CAA, CNAME, MX, NS, PTR, SOA, SRV, TXT</td>
<td>A</td></tr>
<tr><td><code>resolver</code>, <code>port</code></td><td>IP address</td>
<td>the system's, 53</td></tr>
<tr><td><code>expected</code></td><td>list of records</td><td></td></tr>
<tr><td><code>match</code></td><td>all, exact or any</td><td>all</td></tr></table>
<table><tr><th>icmp</th><th></th><th></th></tr>
<tr><td><code>host</code></td><td>required</td><td></td></tr></table>
<p>Assertions; <code>"degrades": true</code> makes a failure degrade instead of call it down.</p>
<table><tr><th>kind</th><th></th></tr>
<tr><td><code>body_contains</code>, <code>body_lacks</code></td><td><code>text</code></td></tr>
<tr><td><code>body_matches</code></td><td><code>pattern</code>, of RE2</td></tr>
<tr><td><code>json</code></td><td><code>path</code>, <code>is</code> (exists, missing, equals,
not_equals, less, at_most, more, at_least, contains), <code>value</code></td></tr>
<tr><td><code>header</code></td><td><code>name</code>, <code>is</code> (exists, missing, equals,
contains), <code>value</code></td></tr>
<tr><td><code>certificate_days</code></td><td><code>least</code></td></tr></table>
"""


def render(document: _Document) -> str:
    """Return the HTML of an OpenAPI document, in the order of its paths."""
    parts = (INTRODUCTION, *_contents(document), *_sections(document), ACTIONS, *_schemas(document))
    return "".join(parts)


def _operations(document: _Document) -> Iterator[tuple[str, str, _Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def _contents(document: _Document) -> Iterator[str]:
    yield "<ul>\n"
    for path, method, operation in _operations(document):
        name = escape(operation["operationId"])
        yield f'<li><a href="#{name}"><code>{method} {escape(path)}</code></a></li>\n'
    yield '<li><a href="#actions">Actions</a></li>\n'
    yield '<li><a href="#schemas">Schemas</a></li>\n</ul>\n'


def _sections(document: _Document) -> Iterator[str]:
    tag = ""
    for path, method, operation in _operations(document):
        if operation["tags"][0] != tag:
            tag = operation["tags"][0]
            yield f'<h2 id="{escape(tag)}">{escape(tag.capitalize())}</h2>\n'
        yield from _operation(document, path, method, operation)


def _operation(document: _Document, path: str, method: str, operation: _Document) -> Iterator[str]:
    name = escape(operation["operationId"])
    yield f'<h3 id="{name}"><code>{method} {escape(path)}</code></h3>\n'
    yield f"<p>{_text(operation.get('description', ''))} "
    yield f'<span class="scope">Scope {escape(operation["x-scope"])}.</span></p>\n'
    if parameters := operation.get("parameters"):
        rows = [_row(p["name"], _kind(p["schema"]), p.get("description", "")) for p in parameters]
        yield _table("Parameters", rows)
    asked = _schema(operation.get("requestBody", {}))
    if asked:
        yield f"<p>Body: {_kind(asked)}.</p>\n"
    for status, answer in operation["responses"].items():
        if status.startswith("2") and (schema := _schema(answer)):
            yield f"<p>Answer {status}: {_kind(schema)}.</p>\n"
    yield f"<pre><code>{escape(_curl(path, method, _resolved(document, asked)))}</code></pre>\n"


def _curl(path: str, method: str, schema: _Document) -> str:
    verb = "" if method == "GET" else f" -X {method}"
    call = f'curl{verb} http://127.0.0.1:8000/api/v1{path} -H "Authorization: Bearer $KEY"'
    if method == "GET" or method == "DELETE":
        return call
    example = json.dumps(next(iter(schema.get("examples", ())), {}))
    return f"{call} \\\n  -H 'Content-Type: application/json' -d '{example}'"


def _schemas(document: _Document) -> Iterator[str]:
    yield '<h2 id="schemas">Schemas</h2>\n'
    for name, schema in document["components"]["schemas"].items():
        yield f'<h3 id="{escape(name)}">{escape(name)}</h3>\n'
        yield f"<p>{_text(schema.get('description', ''))}</p>\n"
        required = schema.get("required", ())
        fields = schema.get("properties", {})
        if name.startswith("ChannelNew_"):
            fields, required = fields["settings"]["properties"], fields["settings"]["required"]
        rows = [
            _row(field, _kind(one) + (", required" if field in required else ""), _words(one))
            for field, one in fields.items()
        ]
        if rows:
            yield _table("Field", rows)


def _table(title: str, rows: list[str]) -> str:
    head = f"<tr><th>{escape(title)}</th><th></th><th></th></tr>"
    return f'<table class="fields">{head}{"".join(rows)}</table>\n'


def _row(name: str, kind: str, description: str) -> str:
    cells = f"<td><code>{escape(name)}</code></td><td>{kind}</td>"
    return f"<tr>{cells}<td>{_text(description)}</td></tr>\n"


def _text(words: str) -> str:
    """Return words as HTML, code between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(words))


def _schema(holder: _Document) -> _Document:
    found: _Document = holder.get("content", {}).get("application/json", {}).get("schema", {})
    return found


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
        name = escape(str(field["$ref"]).rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "enum" in field:
        return escape(" or ".join(map(str, field["enum"])))
    if field.get("type") == "array":
        return f"list of {_kind(field.get('items', {}))}"
    return escape(str(field.get("const") or field.get("type", "any")))
