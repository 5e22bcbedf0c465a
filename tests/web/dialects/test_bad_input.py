"""Every field of every writing route of every dialect, wrong in every way.

It is refused as the dialect refuses bad fields, quickly, and nothing is changed; where a contract
is lenient, that stands in a table here.
"""

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import pytest
from fastapi.routing import APIRoute

from dogwatch.store.tables import metadata
from dogwatch.web.app import build
from dogwatch.web.dashboard import OPEN
from dogwatch.web.dialect.tongue import Tongue
from dogwatch.web.dialects import TONGUES
from tests.web.asgi_client import Answer, Client
from tests.web.dialects.conftest import Door, House

MOST_S, TRIES = 0.05, 3
PYDANTIC = re.compile("(Input|String|Value|List|Dictionary|Tuple|Data) (should|error)|unable to")
NAN, INFINITE, DIGITS = float("nan"), float("inf"), 10**5_000
DEEP = b"[" * 200_000 + b"]" * 200_000

OF_ANY: Mapping[str, Any] = {
    "null": None, "true": True, "number": 7, "text": "x", "list": [1], "object": {"x": 1},
    "nan": NAN, "nested": "RAW nested", "not utf-8": "RAW not utf-8",
    "half a sign": "RAW half a sign",
}  # fmt: skip
OF_TEXT: Mapping[str, Any] = {
    "empty": "", "nul": "a\0b", "surrogate": "a\ud800b", "bell": "a\ab", "long": "x" * 100_001,
}  # fmt: skip
OF_NUMBER: Mapping[str, Any] = {
    "negative": -1, "huge": 10**30, "digits": DIGITS, "nan": NAN, "infinite": INFINITE,
    "fraction": 1.5,
}  # fmt: skip
OF_LIST: Mapping[str, Any] = {
    "of null": [None], "of lists": [[[]]], "of nan": [NAN], "of many": [{}] * 10_001,
    "of surrogates": ["\ud800"],
}  # fmt: skip
OF_OBJECT: Mapping[str, Any] = {
    "of null": {"x": None}, "of nan": {"x": NAN}, "of surrogates": {"\ud800": "\ud800"},
    "of nul": {"\0": "\0"},
}  # fmt: skip
OF_TYPE = {
    "string": OF_TEXT, "integer": OF_NUMBER, "number": OF_NUMBER, "array": OF_LIST,
    "object": OF_OBJECT,
}  # fmt: skip
FITS = {"boolean": "true", "integer": "number", "string": "text", "array": "list"}
# Refused as a whole, before any field is looked at.
UNREADABLE = frozenset({
    "nan", "of nan", "infinite", "digits", "of many", "nested", "not utf-8", "half a sign",
})  # fmt: skip
# What Python itself does not write, by the text that stands for it.
RAW: Mapping[str, bytes] = {
    "RAW digits": b"1" + b"0" * 5_000, "RAW nested": DEEP, "RAW not utf-8": b'"\xff\xfe"',
    "RAW half a sign": b'"\\ud8"',
}  # fmt: skip
# What a call leaves behind though it changes nothing: when its key was used.
NOTED = frozenset({"keys"})
WHOLE: Mapping[str, bytes] = {
    "null": b"null", "a list": b"[]", "a text": b'"x"', "a number": b"7", "half": b'{"a":',
    "nested": DEEP, "nested objects": b'{"a":' * 100_000, "nan": b'{"x": NaN}',
    "not utf-8": b'{"name": "\xff\xfe"}', "form": b"name=x&schedule=y", "nul": b"\0",
    "utf-16": '{"name": "x"}'.encode("utf-16"),
}  # fmt: skip
CONTENT_TYPES = (
    "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
    "text/plain; charset=utf-16", "x/y", "",
)  # fmt: skip


@dataclass(frozen=True)
class Guide:
    """How to speak to a dialect: what it makes, in order, and by which status it refuses.

    `all_at_once`: it tells of all bad fields in one answer. `lenient` are fields, each with what
    it takes though it is wrong: "name kind" or "METHOD name kind", `*` for any name.
    """

    invalid: int
    unreadable: int
    makes: Mapping[str, Any]
    all_at_once: bool = True
    lenient: frozenset[str] = frozenset()


PROBED = {"name": "x", "url": "https://x.example"}
GUIDES: Mapping[str, Guide] = {
    "cronbeats": Guide(422, 400, {
        "/api/v1/jobs": {"name": "x", "expected_interval_seconds": 60},
    }, lenient=frozenset({
        "description null", "description empty",
        # "" clears an integration.
        "webhook_url empty", "bot_token empty", "chat_id empty", "url empty", "secret empty",
    })),
    "cronium": Guide(400, 400, {
        "/api/events": {"name": "x", "type": "BASH", "script": "true"},
        "/api/workflows": {"name": "x", "triggerType": "MANUAL"},
        "/api/variables": {"key": "A", "value": "b"},
        "/api/tokens": {"name": "x"},
    }, lenient=frozenset({
        *(f"input {kind}" for kind in OF_ANY),
        # Null is the default of what has one, and what was read can be sent back.
        "* null", "* empty",
        # What a program reads is anything but NUL.
        "content bell", "script bell", "content long", "script long", "httpBody bell",
        "httpBody long", "value bell", "httpUrl bell", "httpUrl long",
        # An object is as good as a list of {key, value}.
        "envVars object", "httpHeaders object",
    })),
    "cronmonitor": Guide(422, 422, {
        "/api/v1/monitors": {"name": "x", "schedule": "0 2 * * *"},
    }),
    "cronowl": Guide(400, 400, {
        "/api/v1/checks": {"name": "x"},
        "/api/v1/http-monitors": PROBED,
        "/api/v1/auth/keys": {"name": "x"},
    }, all_at_once=False, lenient=frozenset({
        # What makes something takes null and "" for left out; null clears what may be cleared.
        "POST * null", "POST * empty", "cronExpression null", "tags null", "webhookUrl null",
        "webhookUrl empty", "maxDuration null", "headers null", "body null", "body empty",
        "contentType null", "assertions null",
        # Numbers are brought within their bounds, tags and headers that are no text left out.
        "POST gracePeriod negative", "POST gracePeriod huge", "timeoutMs negative",
        "timeoutMs huge", "intervalSeconds negative", "alertAfterFailures negative",
        "alertAfterFailures huge", "tags of null", "tags of lists", "headers of null",
        # Assertions that there are not, and what a body may hold.
        "assertions object", "assertions of null", "assertions of surrogates",
        "assertions of nul", "body bell", "body long", "POST tags list", "tags list",
        "headers object",
    })),
    "cronpulse": Guide(400, 400, {
        "/api/v1/projects": PROBED,
        "/api/v1/jobs": PROBED | {"method": "GET", "schedule": "0 2 * * *"},
    }, lenient=frozenset({
        "body null", "body empty", "body bell", "body long",
        # A project that there is not is told before all that is wrong: 404.
        *(f"projectId {kind}" for kind in ("text", *OF_TEXT)),
    })),
    "healthchecks": Guide(
        400, 400, {"/api/v3/checks/": {"name": "x"}}, all_at_once=False,
        lenient=frozenset({"* empty"}),
    ),
}  # fmt: skip


def wrongs(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what a field of this schema must not hold, each with its name."""
    kinds = set(types_of(schema, whole))
    fits = {FITS.get(kind, kind) for kind in kinds} | ({"fraction"} if "number" in kinds else set())
    found = dict(OF_ANY)
    for kind in sorted(kinds):
        found |= OF_TYPE.get(kind, {})
    yield from ((name, value) for name, value in found.items() if name not in fits - {"object"})


def types_of(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> Iterator[str]:
    """Yield the types that a schema takes."""
    if "$ref" in schema:
        yield from types_of(whole["$defs"][schema["$ref"].rpartition("/")[2]], whole)
    for part in (*schema.get("anyOf", ()), *schema.get("allOf", ())):
        yield from types_of(part, whole)
    if "type" in schema:
        yield schema["type"]


@dataclass(frozen=True)
class Writing:
    """A writing route about a thing, with a body that is good; `schema`: None takes no body."""

    method: str
    path: str
    schema: Mapping[str, Any] | None
    good: Mapping[str, Any]

    def faults(self) -> Mapping[str, dict[str, Any]]:
        """Return by each way of being wrong the fields that can be so, each with its value."""
        schema, found = self.schema or {}, dict[str, dict[str, Any]]()
        for name, own in schema.get("properties", {}).items():
            missing = [("missing", ...)] if name in schema.get("required", ()) else []
            for kind, value in [*wrongs(own, schema), *missing]:
                found.setdefault(kind, {})[name] = value
        return found


def writings(tongue: Tongue, made: Mapping[str, str]) -> Iterator[Writing]:
    """Yield the writing routes; several paths of one handler and method count as one."""
    known = set()
    for route in tongue.router.routes:
        assert isinstance(route, APIRoute)
        content = (route.openapi_extra or {}).get("requestBody", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema")
        path = route.path.replace("{version}", "v3")
        for method in sorted(set(route.methods or ()) - {"GET"}):
            if (route.endpoint, method) not in known:
                known.add((route.endpoint, method))
                makes = GUIDES[tongue.name].makes
                good = makes.get(path, makes.get(f"{path}/", {})) if method == "POST" else {}
                yield Writing(method, filled(path, made), schema, good)


def filled(path: str, made: Mapping[str, str]) -> str:
    """Return a path with the id of what was made below its beginning."""
    for start in sorted(made, key=len, reverse=True):
        if path.startswith(f"{start.rstrip('/')}/{{"):
            head, _, rest = path.partition("{")
            path = f"{head}{made[start]}{rest.partition('}')[2]}"
    return path.replace("{kind}", "slack").replace("{verb}", "pause")


def made_in(client: Client, guide: Guide) -> dict[str, str]:
    """Make what the routes are about; return the ids by the paths."""
    made: dict[str, str] = {}
    for path, body in guide.makes.items():
        if "method" in body:
            body["projectId"] = made["/api/v1/projects"]
        answer = client("POST", path, body)
        assert answer.status in (200, 201), answer.text
        made[path] = id_in(answer.json)
    return made


def id_in(said: Any) -> str:
    """Return the id of what was made."""
    found = said if said.keys() & {"id", "ping_url"} else said["data"]
    if "id" not in found and "ping_url" not in found:
        found = next(one for one in found.values() if isinstance(one, dict))
    if "value" in found:
        return str(found["key"])
    return str(found["id"] if "id" in found else found["ping_url"].rpartition("/")[2])


def seen(client: Client, tongue: Tongue) -> dict[str, str]:
    """Return all that the lists show."""
    paths = [
        route.path.replace("{version}", "v3")
        for route in tongue.router.routes
        if isinstance(route, APIRoute) and route.methods == {"GET"}
    ]
    return {path: client.get(path).text for path in paths if "{" not in path}


def stored(house: House) -> dict[str, Any]:
    """Return all that is in the database."""
    return house.write(
        lambda tx: {
            table.name: tx.conn.execute(table.select()).all()
            for table in metadata.sorted_tables
            if table.name not in NOTED
        }
    )


def timed(client: Client, method: str, path: str, body: Any = None, **more: Any) -> Answer:
    """Send what is wrong; the time of the processor that it takes at the best has a bound.

    No words are those of the validator behind it.
    """
    took = []
    for _ in range(TRIES):
        began_s = time.process_time()
        answer = client(method, path, body, **more)
        took.append(time.process_time() - began_s)
        if took[-1] < MOST_S:
            break
    told = (method, path[:200], str(body)[:200], str(more)[:200], took)
    assert min(took) < MOST_S, told
    assert not PYDANTIC.search(answer.text), (*told, answer.text[:2_000])
    return answer


def encoded(good: Mapping[str, Any], wrong: Mapping[str, Any]) -> bytes:
    """Return a good body with what is wrong; `...` is left out."""
    said = {name: value for name, value in {**good, **wrong}.items() if value is not ...}
    marked = {name: "RAW digits" if value == DIGITS else value for name, value in said.items()}
    text = json.dumps(marked).encode()
    for name, raw in RAW.items():
        text = text.replace(f'"{name}"'.encode(), raw)
    return text


def is_lenient(guide: Guide, method: str, name: str, kind: str) -> bool:
    told = {f"{one} {kind}" for one in (name, "*", f"{method} {name}", f"{method} *")}
    return bool(told & guide.lenient)


@dataclass(frozen=True)
class Trial:
    """A dialect that is sent what it must not take."""

    client: Client
    guide: Guide

    def refuses(self, writing: Writing, kind: str, fields: Mapping[str, Any]) -> None:
        """Send fields that are wrong in one way: all, then those that the answer did not name."""
        if kind in UNREADABLE:
            for name, value in fields.items():
                self._told(writing, kind, {name: value})
            return
        text = self._told(writing, kind, fields) if self.guide.all_at_once else ""
        for name, value in fields.items():
            if name not in text:
                self._told(writing, kind, {name: value}, name)

    def _told(self, writing: Writing, kind: str, wrong: Mapping[str, Any], name: str = "") -> str:
        raw = encoded(writing.good, wrong)
        answer = timed(self.client, writing.method, writing.path, raw)
        told = f"{writing.method} {writing.path} {kind} {[*wrong]}: {answer.status} {answer.text}"
        assert answer.status in (self.guide.invalid, self.guide.unreadable), told[:2_000]
        assert name.removesuffix("s") in answer.text, told[:2_000]  # "channel identifier"
        return answer.text


@pytest.mark.parametrize("tongue", TONGUES, ids=lambda tongue: tongue.name)
def test_each_field_wrong_in_each_way_is_refused(door: Door, house: House, tongue: Tongue) -> None:
    guide, client = GUIDES[tongue.name], door(tongue.name)
    made = made_in(client, guide)
    listed = seen(client, tongue)
    before, routes = (stored(house), listed), list(writings(tongue, made))
    for writing in routes:
        for kind, fields in writing.faults().items():
            strict = {
                name: value
                for name, value in fields.items()
                if not is_lenient(guide, writing.method, name, kind)
            }
            if strict:
                Trial(client, guide).refuses(writing, kind, strict)
    assert (stored(house), seen(client, tongue)) == before
    assert sum(writing.schema is not None for writing in routes) >= 2


@pytest.mark.parametrize("tongue", TONGUES, ids=lambda tongue: tongue.name)
def test_bodies_that_are_none_are_refused(door: Door, house: House, tongue: Tongue) -> None:
    guide, client = GUIDES[tongue.name], door(tongue.name)
    made = made_in(client, guide)
    listed = seen(client, tongue)
    before, types = (stored(house), listed), cycle(CONTENT_TYPES)
    for writing in writings(tongue, made):
        for kind, raw in WHOLE.items() if writing.schema is not None else ():
            headers = {"content-type": next(types)}
            answer = timed(client, writing.method, writing.path, raw, headers=headers)
            told = f"{writing.method} {writing.path} {kind}: {answer.status} {answer.text[:500]}"
            assert answer.status in (guide.invalid, guide.unreadable), told
    assert (stored(house), seen(client, tongue)) == before


@pytest.mark.parametrize("tongue", TONGUES, ids=lambda tongue: tongue.name)
def test_json_is_read_whatever_it_is_called(door: Door, tongue: Tongue) -> None:
    client, guide = door(tongue.name), GUIDES[tongue.name]
    made_in(client, guide)
    for content_type in CONTENT_TYPES:
        for path, body in guide.makes.items():
            answer = client("POST", path, body, headers={"content-type": content_type})
            assert answer.status in (200, 201, 409), (path, content_type, answer.text)  # once more


@pytest.mark.parametrize("tongue", TONGUES, ids=lambda tongue: tongue.name)
def test_no_body_says_as_much_as_an_empty_object(door: Door, tongue: Tongue) -> None:
    client = door(tongue.name)
    made = made_in(client, GUIDES[tongue.name])
    for writing in writings(tongue, made):
        if writing.schema is not None and writing.method != "DELETE":
            sent = [(b"{}", CONTENT_TYPES[0]), *((b"", one) for one in CONTENT_TYPES)]
            said = {
                timed(
                    client, writing.method, writing.path, raw, headers={"content-type": one}
                ).status
                for raw, one in sent
            }
            assert len(said - {409}) <= 1, (writing, said)  # it runs already
            assert max(said) < 500, (writing, said)


@pytest.mark.parametrize("tongue", TONGUES, ids=lambda tongue: tongue.name)
def test_what_takes_no_body_takes_any(door: Door, tongue: Tongue) -> None:
    """A client may send what it likes with a pause, and nothing at all as well."""
    client = door(tongue.name)
    made = made_in(client, GUIDES[tongue.name])
    for writing in writings(tongue, made):
        if writing.schema is not None or writing.method not in ("POST", "PUT"):
            continue
        for raw in (*WHOLE.values(), b""):
            answer = timed(
                client, writing.method, writing.path, raw, headers={"content-type": "x/y"}
            )
            assert answer.status < 500, (writing, answer.text)
            assert "JSON" not in answer.text, (writing, answer.text)


QUERIES = (
    "", "x", "-1", "1.5", "1e400", "9" * 400, "9" * 20_000, "NaN", "a\0b", "\ufffe", "%F",
    "[" * 20_000,
)  # fmt: skip


@pytest.mark.parametrize("tongue", TONGUES, ids=lambda tongue: tongue.name)
def test_queries_wrong_in_any_way_are_answered(door: Door, house: House, tongue: Tongue) -> None:
    guide, client = GUIDES[tongue.name], door(tongue.name)
    made = made_in(client, guide)
    listed = seen(client, tongue)
    before = (stored(house), listed)
    for route in tongue.router.routes:
        assert isinstance(route, APIRoute)
        path = filled(route.path.replace("{version}", "v3"), made)
        asked = [one["name"] for one in (route.openapi_extra or {}).get("parameters", ())]
        for name in asked:
            for value in QUERIES:
                answer = timed(client, "GET", path, query={name: value})
                good = (200, 404, guide.invalid, guide.unreadable)
                assert answer.status in good, (path, name, value[:50], answer.text[:500])
    assert (stored(house), seen(client, tongue)) == before


# Ids of a path that none can be, as they are sent.
NAMES = (
    "0", "-1", "1.5", "9" * 5_000, "x" * 10_000, "%00", "%ED%A0%80", "%FF", "%07", "%0A", "%20",
    "%2e%2e", "[" * 5_000, "NaN", "'", "%25",
)  # fmt: skip


@pytest.mark.parametrize("tongue", TONGUES, ids=lambda tongue: tongue.name)
def test_names_in_a_path_wrong_in_any_way_are_told(
    door: Door, house: House, tongue: Tongue
) -> None:
    guide, client = GUIDES[tongue.name], door(tongue.name)
    made_in(client, guide)
    listed = seen(client, tongue)
    before, known = (stored(house), listed), set[object]()
    for route in tongue.router.routes:
        assert isinstance(route, APIRoute)
        path = route.path.replace("{version}", "v3")
        head, brace, rest = path.partition("{")
        method = min(route.methods or ())
        if not brace or (route.endpoint, method) in known:
            continue
        known.add((route.endpoint, method))
        tail = rest.partition("}")[2].replace("{name}", "x").replace("{number}", "1")
        for name in NAMES:
            body: Any = None if method in ("GET", "DELETE") else {}
            answer = timed(client, method, f"{head}{name}{tail}", body)
            told = (method, path, name[:50], answer.status, answer.text[:500])
            assert answer.status in (404, 405, guide.invalid, guide.unreadable), told
            assert answer.headers["content-type"].startswith("application/json"), told
    assert (stored(house), seen(client, tongue)) == before


ODD = (
    "", " ", "x" * 60_000, "\u00ff\u00fe", "a\tb", "-1", "%00", "Bearer", "Bearer  ", "Basic eA==",
    "[" * 8_000,
)  # fmt: skip
IDLE = (
    "content-type", "content-length", "accept", "user-agent", "x-workspace-id", "x-forwarded-for",
    "x-forwarded-proto", "host", "origin", "cookie",
)  # fmt: skip


@pytest.mark.parametrize("tongue", TONGUES, ids=lambda tongue: tongue.name)
def test_headers_wrong_in_any_way_are_answered(door: Door, tongue: Tongue) -> None:
    """What proves the caller is refused as a wrong key is, and the rest means nothing."""
    client, guide = door(tongue.name), GUIDES[tongue.name]
    path = next(iter(guide.makes)).replace("{version}", "v3")
    proof = client.token_header or "authorization"
    for value in ODD:
        assert timed(client, "GET", path, headers=dict.fromkeys(IDLE, value)).status == 200, value
        assert timed(client, "GET", path, headers={proof: value}).status == 401, value


def test_every_dialect_has_its_guide() -> None:
    assert set(GUIDES) == {tongue.name for tongue in TONGUES}


# What an address may hold, none of which is anybody's.
NOBODYS = ("é", "²", "٣", "%ff", "%00", "9" * 5_000, "-1", "..",
            "1.2.3", "a%2Fb", "é-2.svg", "%ff-2.svg", "²-2.shields")  # fmt: skip
SPOKEN = re.compile(r"\{[^}]+\}")


def addressed(tongue: Tongue) -> Iterator[tuple[str, str]]:
    """Yield the routes that name something in their address: (method, path)."""
    for route in tongue.router.routes:
        assert isinstance(route, APIRoute)
        yield from ((method, route.path) for method in sorted(route.methods or ()))
    yield from (("GET", path) for path in tongue.public)
    yield from (("POST", path) for path in tongue.hooks)


@pytest.mark.parametrize("tongue", TONGUES, ids=lambda tongue: tongue.name)
def test_no_address_is_a_fault(door: Door, tongue: Tongue) -> None:
    """What an address names is somebody's or nobody's."""
    client = door(tongue.name)
    for method, path in addressed(tongue):
        for hostile in NOBODYS if "{" in path else ():
            for place in SPOKEN.findall(path):
                named = SPOKEN.sub("1", path.replace(place, hostile))
                answer = client(method, named, {} if method != "GET" else None)
                assert answer.status < 500, (method, named[:200], answer.text[:500])


@pytest.mark.parametrize("hostile", NOBODYS)
def test_no_address_of_a_page_or_a_ping_is_a_fault(house: House, hostile: str) -> None:
    stranger = Client(build(house.services))
    pages = (*OPEN, "/status/{name}", "/ping/{key}", "/ping/{key}/fail", "/ping/a/{slug}")
    for path in (path for path in pages if "{" in path):
        answer = stranger.get(SPOKEN.sub(hostile, path))
        assert answer.status < 500, (path, answer.text[:500])
