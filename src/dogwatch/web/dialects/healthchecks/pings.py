"""Pings to a UUID, and those below this dialect's mount, as Healthchecks answers them.

A check that is paused goes on with its next ping, unless it is to be resumed by hand.
"""

import re

from dogwatch.core.ping import Answer, Target, read_path
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


async def awake(target: Target, knock: Knock, door: Door) -> None:
    """Resume a paused check that shall go on with its next ping."""
    if await door.aread(lambda tx: _sleeps(tx, target)):
        await door.awrite(lambda tx: _resume(tx, target, knock))


def _sleeps(tx: Tx, target: Target) -> bool:
    found = aliases.pinged(tx, "healthchecks", target.key) if target.key else None
    if found is None:
        return False
    alias, record = found
    return watches.is_paused(record) and not alias.said.get("manual_resume", False)


def _resume(tx: Tx, target: Target, knock: Knock) -> None:
    found = aliases.pinged(tx, "healthchecks", target.key, lock=True)
    if found and watches.is_paused(found[1]):
        watches.resume(tx, found[1], knock.at)


async def said(_: Knock, __: Target, became: Became) -> Said:
    """Word what became of a ping."""
    status, words = _WORDS[became.answer]
    return _text(status, words)


def refused(status: int) -> Said:
    """Word that a ping was not recorded."""
    words = "too many unknown checks" if status == 429 else "the ping was not recorded, try again"
    return _text(status, words)


def _text(status: int, words: str) -> Said:
    return Said(status, "text/plain; charset=utf-8", words.encode(), _HEADERS)


PINGS = PingForm("healthchecks", reads, target, said, refused, awake)
