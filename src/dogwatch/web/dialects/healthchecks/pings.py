"""Pings to a UUID, and those below this dialect's mount, as Healthchecks answers them.

A check that is paused goes on with its next ping, unless it is to be resumed by hand. One that
takes POST alone hears of others, and ignores them.
"""

import re
from dataclasses import replace

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
_HEADERS = {"access-control-allow-origin": "*", "ping-body-limit": "10000"}


def reads(path: str) -> bool:
    """Whether a path names a check by its UUID, or a project's key and a slug."""
    return bool(_BY_UUID.fullmatch(path) or _BY_SLUG.fullmatch(path))


def target(knock: Knock) -> Target | None:
    """Return whom a ping is for and what it says."""
    path = knock.path if knock.path.startswith("/ping/") else f"/ping{knock.path}"
    head, slash, rest = path.removeprefix("/ping/").partition("/")
    key = head.lower() if _BY_UUID.fullmatch(knock.path) else head
    return read_path(f"/ping/{key}{slash}{rest}", knock.query)


async def judged(target: Target, knock: Knock, door: Door) -> Target:
    """Return what a ping means to its check: that of a method it does not take means nothing.

    A paused check that shall go on with its next ping does.
    """
    ignored, sleeps = await door.aread(lambda tx: _known(tx, target, knock))
    if ignored:
        return replace(target, kind=Kind.LOG, exit_code=None)
    if sleeps:
        await door.awrite(lambda tx: _resume(tx, target, knock))
    return target


def _known(tx: Tx, target: Target, knock: Knock) -> tuple[bool, bool]:
    """Return whether the check takes no such ping, and whether it is paused until the next one."""
    found = aliases.pinged(tx, "healthchecks", target)
    if found is None:
        return False, False
    alias, record = found
    ignored = alias.said.get("methods") == "POST" and knock.method != "POST"
    return ignored, watches.is_paused(record) and not alias.said.get("manual_resume", False)


def _resume(tx: Tx, target: Target, knock: Knock) -> None:
    found = aliases.pinged(tx, "healthchecks", target, lock=True)
    if found and watches.is_paused(found[1]):
        watches.resume(tx, found[1], knock.at)


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


PINGS = PingForm("healthchecks", reads, target, said, refused, judged)
