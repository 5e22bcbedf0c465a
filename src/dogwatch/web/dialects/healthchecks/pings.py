"""Pings to a UUID, and those below this dialect's mount, as Healthchecks answers them.

A check that is paused goes on with its next ping, unless it is to be resumed by hand. One that
takes POST alone hears of others, and ignores them; one may be told by words in the body.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dogwatch.core.ping import NOWHERE, Answer, Kind, Target, read_path
from dogwatch.usecases import aliases, watches
from dogwatch.usecases.door import Door, Tx
from dogwatch.web.dialect.pings import Became, Knock, PingForm, Said

_UUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_BY_UUID = re.compile(rf"(/ping)?/{_UUID}(/.*)?")
_BY_SLUG = re.compile(r"/ping/[A-Za-z0-9]{16,35}/.+")
_WORDS = {
    Answer.RECORDED: (200, "OK"),
    Answer.CREATED: (201, "Created"),
    Answer.UNKNOWN: (404, "not found"),
    Answer.AMBIGUOUS: (409, "ambiguous slug"),
}
_KEYWORDS = {"failure_kw": Kind.FAIL, "success_kw": Kind.OK, "start_kw": Kind.START}
_HEADERS = {"access-control-allow-origin": "*"}


def reads(path: str) -> bool:
    """Whether a path names a check by its UUID, or a project's key and a slug."""
    return bool(_BY_UUID.fullmatch(path) or _BY_SLUG.fullmatch(path))


def target(knock: Knock) -> Target | None:
    """Return whom a ping is for and what it says; all integrations hear of a check it makes."""
    path = knock.path if knock.path.startswith("/ping/") else f"/ping{knock.path}"
    head, slash, rest = path.removeprefix("/ping/").partition("/")
    key = head.lower() if _BY_UUID.fullmatch(knock.path) else head
    found = read_path(f"/ping/{key}{slash}{rest}", knock.query)
    return replace(found, to_all=found.create) if found else None


async def judged(target: Target, knock: Knock, door: Door) -> Target:
    """Return what a ping means to its check, by its rules of filtering.

    A paused check that shall go on with its next ping does.
    """
    said, paused = await door.aread(lambda tx: _known(tx, target))
    kind = meant(target.kind, knock.method, knock.body, said)
    if paused and said.get("manual_resume"):
        kind = Kind.LOG
    elif paused and kind in (Kind.OK, Kind.FAIL):
        await door.awrite(lambda tx: _resume(tx, target, knock))
    return target if kind is target.kind else replace(target, kind=kind, exit_code=None)


def meant(kind: Kind, method: str, body: str, said: Mapping[str, Any]) -> Kind:
    """Return what a ping means; one that is ignored is logged.

    Of the words in a body, those of a failure come before those of a success, these before those
    of a start.
    """
    if said.get("methods") == "POST" and method != "POST":
        return Kind.LOG
    if not said.get("filter_http_body"):
        return kind
    for name, told in _KEYWORDS.items():
        if _holds(body, said.get(name, "")):
            return told
    return Kind.FAIL if said.get("filter_default_fail") else Kind.LOG


def _holds(body: str, keywords: str) -> bool:
    """Whether one of the words is in a body, in capitals or not."""
    words = [word.strip().lower() for word in keywords.split(",")]
    return any(word and word in body.lower() for word in words)


def _known(tx: Tx, target: Target) -> tuple[Mapping[str, Any], bool]:
    """Return what only this dialect knows of a check, and whether it is paused."""
    found = aliases.pinged(tx, "healthchecks", target)
    return (found[0].said, watches.is_paused(found[1])) if found else ({}, False)


def _resume(tx: Tx, target: Target, knock: Knock) -> None:
    found = aliases.pinged(tx, "healthchecks", target, lock=True)
    if found:
        watches.switch(tx, found[1], knock.at, on=True)


async def said(_: Knock, target: Target, became: Became) -> Said:
    """Word what became of a ping."""
    if target is NOWHERE:
        return _text(400, "invalid url format")
    status, words = _WORDS[became.answer]
    return _text(status, words)


_REFUSED = {405: "method not allowed", 429: "too many unknown checks"}


def refused(status: int) -> Said:
    """Word that a ping was not recorded."""
    return _text(status, _REFUSED.get(status, "the ping was not recorded, try again"))


def _text(status: int, words: str) -> Said:
    return Said(status, "text/plain; charset=utf-8", words.encode(), _HEADERS)


PINGS = PingForm(
    "healthchecks", reads, target, said, refused, judged, limit_header="ping-body-limit"
)
