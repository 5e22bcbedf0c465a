"""The plan of an import: which watch or job each line stands for, and what is to be done to it."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from dogwatch.cli.crontab.files import File
from dogwatch.core.crontab import Entry, Source, addresses, parts, program, reports_to, slug

Kind = Literal["watch", "job"]
Verb = Literal["create", "change", "same", "refuse"]
Watch = Mapping[str, Any]
_SLUG = re.compile(r"[a-z0-9_-]{1,64}")
_SIGNAL = re.compile(r"start|fail|log|\d{1,3}")
_RESERVED = ("start", "fail", "log")


@dataclass(frozen=True, slots=True)
class Known:
    """What the server has; `away` if it did not answer. `ping_key`: the workspace's."""

    watches: Sequence[Watch] = ()
    ping_key: str | None = None
    scripts_run_as: str | None = None
    away: bool = False

    def slug_of(self, entry: Entry) -> str | None:
        """Return what the entry reports to by itself: a slug, else the word that it gives."""
        if to := reports_to(entry.command):
            return self._slug_at(to) or self._slug_of_key(to) or to
        return self._slug_at(entry.command)

    def _slug_at(self, text: str) -> str | None:
        """Return the slug that the first of our ping addresses in a text stands for."""
        for key, rest in addresses(text):
            if found := self._slug_of_key(key):
                return found
            if key == self.ping_key and rest and not _SIGNAL.fullmatch(rest):
                return rest
        return None

    def _slug_of_key(self, key: str) -> str | None:
        ends = f"/ping/{key}"
        return next((w["slug"] for w in self.watches if (w["ping_url"] or "").endswith(ends)), None)


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the plan. `reports`: the line tells Dogwatch by itself, so it stays as it is.

    `was`: schedule and zone before a change; `why`: the reason of a refusal.
    """

    file: File = field(repr=False)
    entry: Entry
    timezone: str
    source: Source
    slug: str
    reports: bool = False
    verb: Verb = "create"
    was: tuple[str | None, str] | None = None
    why: str = ""

    @property
    def place(self) -> str:
        """Return file and line."""
        return f"{self.file.name}:{self.entry.line}"

    def refused(self, why: str) -> "Item":
        """Return the item as one that nothing is done to."""
        return replace(self, verb="refuse", why=why)


def items(file: File, known: Known, host: str, zone: str, prefix: str) -> Iterator[Item]:
    """Yield an item for each entry of a file, with the slug that it reports to or would like."""
    for entry in file.crontab.entries:
        named = known.slug_of(entry)
        shared = parts(entry.command)  # names a place of its own, whichever file runs it
        wished = slug(prefix, *([shared] if shared else [file.word, program(entry.command)]))
        source = Source.of(host, file.place, file.user(entry), entry)
        timezone = entry.timezone or zone
        yield Item(file, entry, timezone, source, named or wished, named is not None)


def plan(wanted: Sequence[Item], known: Known, kind: Kind) -> list[Item]:
    """Decide what is to be done, item by item; what came from elsewhere is never touched."""
    there = _paired(wanted, known.watches)
    taken: dict[str, Source | None] = dict.fromkeys(_RESERVED)
    taken |= {watch["slug"]: Source.read(watch["description"]) for watch in known.watches}
    taken |= {item.slug: item.source for item in wanted if item.reports}
    settled: dict[str, Item] = {}
    done = []
    for at, item in enumerate(wanted):
        named = _named(item, there.get(at), taken)
        decided = _fits(named, there.get(at), known, kind) or _compared(named, there.get(at))
        done.append(_alone(decided, settled))
        taken.setdefault(named.slug, named.source)
    return done


def _paired(wanted: Sequence[Item], watches: Sequence[Watch]) -> dict[int, Watch]:
    """Return the watch of each item by its index: by slug where it reports, else by source.

    Lines that differ in their times alone share a source: equal times find each other first.
    """
    by_slug = {watch["slug"]: watch for watch in watches}
    found = {at: by_slug[i.slug] for at, i in enumerate(wanted) if i.reports and i.slug in by_slug}
    reported = {watch["slug"] for watch in found.values()}
    free: dict[Source | None, list[Watch]] = defaultdict(list)
    for watch in watches:
        if watch["slug"] not in reported:
            free[Source.read(watch["description"])].append(watch)
    for exact in (True, False):
        for at, item in enumerate(wanted):
            if at not in found and not item.reports:
                fitting = (w for w in free[item.source] if not exact or _agrees(item, w))
                for watch in list(fitting)[:1]:
                    found[at] = watch
                    free[item.source].remove(watch)
    return found


def _named(item: Item, there: Watch | None, taken: Mapping[str, Source | None]) -> Item:
    if there:
        return replace(item, slug=there["slug"])
    return item if item.reports else replace(item, slug=_free(item, taken))


def _free(item: Item, taken: Mapping[str, Source | None]) -> str:
    """Return a free slug: as wished, or led by the host or user that differs, or numbered."""
    wished = item.slug
    if wished not in taken:
        return wished
    if other := taken[wished]:
        lead = item.source.host if other.host != item.source.host else item.source.user
        if (other.host, other.user) != (item.source.host, item.source.user):
            wished = slug(lead, wished)
    number, free = 1, wished
    while free in taken:
        number += 1
        free = f"{wished}-{number}"
    return free


def _fits(item: Item, there: Watch | None, known: Known, kind: Kind) -> Item | None:
    """Return the item refused if it cannot be made what it shall be."""
    if item.reports and not _SLUG.fullmatch(item.slug):
        return item.refused(f"it reports to {item.slug}, which is no watch of this server")
    why = _no_job(item, there, known) if kind == "job" else _no_watch(item, there)
    return item.refused(why) if why else None


def _no_job(item: Item, there: Watch | None, known: Known) -> str | None:
    if item.reports:
        return (
            f"it is run by cron and watched as {item.slug}; to make it a job, undo the "
            "`dogwatch run` or ping in the line and delete that watch first"
        )
    if there and there["kind"] != "job":
        return (
            f"it is watched as {item.slug} already; import it without --as job, or delete that "
            "watch first"
        )
    if known.away:
        return None
    if known.scripts_run_as is None:
        return (
            "the server runs no scripts, or none that reach a user's files; see DOGWATCH_SCRIPTS "
            "and DOGWATCH_SANDBOX, or import it without --as job"
        )
    if item.source.user != known.scripts_run_as:
        return (
            f"it runs as {item.source.user}, but the server would run it as "
            f"{known.scripts_run_as}; leave it to cron and import it without --as job"
        )
    return None


def _no_watch(item: Item, there: Watch | None) -> str | None:
    if there and there["kind"] == "job" and not item.reports:
        return f"the job {item.slug} runs it already; take the line out of the crontab"
    return None


def _compared(item: Item, there: Watch | None) -> Item:
    if there is None:
        return item
    if _agrees(item, there):
        return replace(item, verb="same")
    return replace(item, verb="change", was=(there["schedule"], there["timezone"]))


def _agrees(item: Item, there: Watch) -> bool:
    """Say whether the watch has the item's schedule, perhaps among others, in its zone."""
    lines = (there["schedule"] or "").split("\n")
    return item.entry.schedule in lines and there["timezone"] == item.timezone


def _alone(item: Item, settled: dict[str, Item]) -> Item:
    """Refuse a line that would make another schedule of what a line above has settled."""
    if item.verb == "refuse":
        return item
    first = settled.setdefault(item.slug, item)
    if first is item or item.verb == "same":
        return item
    return item.refused(f"{item.slug} stands for {first.place} already; give it a slug of its own")


def gone(planned: Sequence[Item], files: Sequence[File], known: Known, host: str) -> list[str]:
    """Return the slugs of watches that came from these files and have no line there any more."""
    places = {(host, file.place) for file in files}
    owners = {file.owner for file in files}
    kept = {item.slug for item in planned}
    found = []
    for watch in known.watches:
        source = Source.read(watch["description"])
        if source and watch["kind"] != "job" and watch["slug"] not in kept:
            mine = source.file.startswith("/") or source.user in owners
            if mine and (source.host, source.file) in places:
                found.append(watch["slug"])
    return found
