"""Status pages: what is said of them, checked, and what their state follows from."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dogwatch.core.probe.fields import is_text
from dogwatch.core.problems import refuse
from dogwatch.core.watch import Status

TITLE_LENGTH, DESCRIPTION_LENGTH, NAME_LENGTH, TEXT_LENGTH = 200, 1_000, 100, 4_000
ITEMS = 100
UPDATES = 100
STATES = ("investigating", "identified", "monitoring", "resolved")
IMPACTS = ("minor", "major", "critical")
_TOLD = {"major": "degraded", "critical": "down"}
SLUG_PATTERN = r"[a-z0-9](?:[a-z0-9-]{1,62})[a-z0-9]"
_SLUG = re.compile(SLUG_PATTERN)


@dataclass(frozen=True, slots=True)
class Item:
    """A name that is shown: of the watch with this id, or of all watches with this tag."""

    name: str
    watch: str | None = None
    tag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSpec:
    """A page as its owner describes it; without a slug it is given one that cannot be guessed."""

    title: str
    slug: str | None = None
    description: str = ""
    public: bool = False
    items: tuple[Item, ...] = ()


def check(spec: PageSpec) -> PageSpec:
    """Return the spec, tidied; a Problem names every bad field."""
    bad: dict[str, str] = {}
    if not _line(spec.title, TITLE_LENGTH):
        bad["title"] = f"give 1 to {TITLE_LENGTH} characters on one line"
    if spec.slug is not None and not _SLUG.fullmatch(spec.slug):
        bad["slug"] = "use 3 to 64 of a-z, 0-9 and -, no - at its ends"
    if not is_text(spec.description) or len(spec.description) > DESCRIPTION_LENGTH:
        bad["description"] = f"at most {DESCRIPTION_LENGTH} characters"
    if len(spec.items) > ITEMS:
        bad["items"] = f"at most {ITEMS}"
    bad |= _bad_items(spec.items[:ITEMS])
    refuse(bad)
    return PageSpec(
        title=spec.title.strip(), slug=spec.slug, description=spec.description.strip(),
        public=spec.public, items=spec.items,
    )  # fmt: skip


def _bad_items(items: Sequence[Item]) -> dict[str, str]:
    bad, names = {}, set[str]()
    for place, one in enumerate(items):
        if not _line(one.name, NAME_LENGTH):
            bad[f"items.{place}.name"] = f"give 1 to {NAME_LENGTH} characters on one line"
        elif one.name in names:
            bad[f"items.{place}.name"] = "stands twice"
        if (one.watch is None) == (one.tag is None):
            bad[f"items.{place}.watch"] = "give a watch or a tag, one of them"
        names.add(one.name)
    return bad


def check_post(title: str, impact: str) -> None:
    """Raise a Problem of every bad field of a post."""
    bad = {}
    if not _line(title, TITLE_LENGTH):
        bad["title"] = f"give 1 to {TITLE_LENGTH} characters on one line"
    if impact not in IMPACTS:
        bad["impact"] = f"use one of {', '.join(IMPACTS)}"
    refuse(bad)


def check_update(state: str, text: str) -> None:
    """Raise a Problem of every bad field of what is said of an incident."""
    bad = {}
    if state not in STATES:
        bad["state"] = f"use one of {', '.join(STATES)}"
    if not is_text(text) or not 1 <= len(text.strip()) <= TEXT_LENGTH:
        bad["text"] = f"give 1 to {TEXT_LENGTH} characters"
    refuse(bad)


def state_of_item(statuses: Collection[Status], maintained: Collection[Status] = ()) -> str:
    """Return operational, maintenance, degraded, down or unknown: of several watches, all down is
    down. Those that are `maintained` now say nothing of their own trouble, but that it is expected.
    """
    fine = [one for one in maintained if one is Status.UP]
    state = _judged([*statuses, *fine])
    expected = any(one in (Status.DEGRADED, Status.DOWN) for one in maintained)
    return "maintenance" if expected and state in ("operational", "unknown") else state


def _judged(statuses: Collection[Status]) -> str:
    judged = [one for one in statuses if one not in (Status.NEW, Status.PAUSED)]
    if not judged:
        return "unknown"
    if all(one is Status.DOWN for one in judged):
        return "down"
    return "operational" if all(one is Status.UP for one in judged) else "degraded"


def state_of_page(states: Iterable[str], impacts: Iterable[str] = ()) -> str:
    """Return operational, maintenance, degraded or down: the worst of its items, if any is known.

    `impacts` are of the incidents that are open: a page is never better than people say.
    """
    there = {*states, *(_TOLD[one] for one in impacts if one in _TOLD)}
    worst = (one for one in ("down", "degraded", "maintenance") if one in there)
    return next(worst, "operational")


def items_from(stored: Iterable[Mapping[str, Any]]) -> tuple[Item, ...]:
    """Return items of their stored form."""
    return tuple(Item(**one) for one in stored)


def _line(text: str, most: int) -> bool:
    return is_text(text) and 1 <= len(text.strip()) <= most and text.isprintable()
