"""What a delivery tells: the facts, as one value, and the words every channel lays out.

A channel adds no fact and leaves none out but for want of room; it escapes each string of
`Words` for its own markup.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from dogwatch.core.alerts import Event
from dogwatch.core.plain import cut, one_line, printable, span, took

MOST_ITEMS = 50
MOST_ALSO_DOWN = 5
SNOOZE_HOURS = 1
TAIL_LINES = 5
TAIL_BYTES = 1024
_NAME_LENGTH = 160
_SHORT_LENGTH = 80


@dataclass(frozen=True, slots=True)
class Alias:
    """What the product that a webhook is worded for calls the watch."""

    name: str
    number: int
    ping_key: str


@dataclass(frozen=True, slots=True)
class Item:
    """The facts of one flip of one watch, as they were then.

    `since_at` is when the present status began, `expected_at` the due time nothing came for.
    `duration_ms` and `status_code` are those of the run that brought it, `down_for_s` how long a
    recovered watch was down, or degraded, `last_ok_ms` how long the last good run took. `about` is
    the first line of what people wrote of the watch. `timezone` (IANA) is for people's times. `url`
    opens the watch; `target` is what a probe asks, without its secrets. `changes`: how often it
    changed within what one message collects, of which this is the last.
    """

    event: Event
    watch_id: str
    slug: str
    name: str
    status: str
    previous_status: str
    since_at: datetime
    tags: tuple[str, ...] = ()
    expected_at: datetime | None = None
    reason: str = ""
    last_ok_at: datetime | None = None
    last_ok_ms: int | None = None
    about: str = ""
    duration_ms: int | None = None
    down_for_s: float | None = None
    output_tail: str = ""
    url: str = ""
    timezone: str = "UTC"
    kind: str = "ping"
    schedule: str | None = None
    grace_s: int | None = None
    slow_after_ms: int | None = None
    target: str = ""
    status_code: int | None = None
    alias: Alias | None = None
    changes: int = 1


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody has told about a run in words of his own: a subject, which may be empty, and
    a text of any number of lines."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Message:
    """One delivery to one channel: one flip, one test, or a group of flips with one cause.

    `delivery_id` stays the same over retries, so receivers can tell a repeat. `key` is the same
    for all messages of one trouble, from its opening to its closing: the watch's id for one item,
    the incident's for a group. `items` are at most `MOST_ITEMS`, `more` counts the others.
    `also_down` names other watches that are down, of `also_down_count` in all; if it names all,
    `also_down_since_at` is when the first of them went down, `also_down_tags` what they share with
    the first item. `ack_url` opens a page that acknowledges its incident. A `note` stands in
    place of the facts.
    """

    delivery_id: str
    key: str
    workspace: str
    items: tuple[Item, ...]
    url: str
    more: int = 0
    also_down: tuple[str, ...] = ()
    also_down_count: int = 0
    also_down_since_at: datetime | None = None
    also_down_tags: tuple[str, ...] = ()
    rehearsal: bool = False
    ack_url: str = ""
    note: Note | None = None

    @property
    def first(self) -> Item:
        """The item that stands for the message where there is room for one."""
        return self.items[0]

    @property
    def count(self) -> int:
        """How many watches it is about."""
        return len(self.items) + self.more

    @property
    def event(self) -> Event:
        """The gravest of the events, in the order of `Event`."""
        return min((item.event for item in self.items), key=list(Event).index)

    @property
    def closes(self) -> bool:
        """Whether it ends a trouble rather than opening one."""
        return self.event is Event.RECOVERED


@dataclass(frozen=True, slots=True)
class Words:
    """A message in plain words, unescaped: printable, every string one line but `output`.

    Nothing within a tuple is empty, as services refuse empty elements.

    `facts` are (label, value); `members` the lines of a group, the count of the unnamed last.
    `ack_url` is empty where there is nothing to acknowledge; whoever lays it out makes it a link
    that can be followed, whole or not at all.
    """

    title: str
    notes: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    members: tuple[str, ...]
    output: str
    url: str
    ack_url: str = ""

    @property
    def answers(self) -> tuple[tuple[str, str], ...]:
        """Return the pages on which somebody can answer, each by one button: (label, address)."""
        if not self.ack_url:
            return ()
        snooze = (f"Snooze {SNOOZE_HOURS} h", snoozing(self.ack_url))
        return (("Acknowledge", self.ack_url), snooze)

    @property
    def links(self) -> tuple[tuple[str, str], ...]:
        """Return what can be opened: (label, address)."""
        opens = (("Open in Dogwatch", self.url),) if self.url else ()
        return opens + self.answers


def snoozing(ack_url: str) -> str:
    """Return the page that snoozes by the link that acknowledges, "" without one."""
    return ack_url and f"{ack_url}?hours={SNOOZE_HOURS}"


def words(message: Message) -> Words:
    """Return what every channel lays out."""
    if message.note:
        return _noted(message, message.note)
    single = message.count == 1
    facts = _facts(message) if single else _group_facts(message)
    return Words(
        title=subject(message),
        notes=tuple(_notes(message)),
        facts=tuple((label, value) for label, value in facts if value),
        members=() if single else tuple(_members(message)),
        output=tail(message.first.output_tail) if single else "",
        url=message.first.url if single and message.first.url else message.url,
        ack_url=message.ack_url,
    )


def _noted(message: Message, note: Note) -> Words:
    """Lay out somebody's own words, line by line."""
    lines = (line.rstrip() for line in printable(note.text).split("\n"))
    return Words(
        title=subject(message),
        notes=tuple(line for line in lines if line),
        facts=(),
        members=(),
        output="",
        url=message.first.url or message.url,
    )


def subject(message: Message) -> str:
    """Return one line: "Down: Nightly backup", "Down: Nightly backup and 36 others"."""
    if message.note:
        return one_line(message.note.subject) or _name(message.first, _NAME_LENGTH)
    name = _name(message.first, _NAME_LENGTH)
    others = message.count - 1
    told = f"{message.event.capitalize()}: {name}{_and_others(others)}"
    return f"[Rehearsal] {told}" if message.rehearsal else told


def text(message: Message) -> str:
    r"""Return the facts in plain words, at most one phone screen, no control characters but \n."""
    told = words(message)
    return "\n\n".join([told.title, *_paragraphs(told, _opening(told))])


def body(message: Message, room: int, size: Callable[[str], int] = len) -> str:
    """Return the same without the title, in at most `room`; a link stays whole or goes."""
    told = words(message)
    links = _opening(told)
    whole = "\n\n".join(_paragraphs(told, links))
    if size(whole) <= room:
        return whole
    while links and size("\n".join(links)) > room // 2:
        links = links[:-1]
    end = "\n".join(["", *links])
    return cut("\n\n".join(_paragraphs(told)), room - size(end), size) + end


def _opening(told: Words) -> list[str]:
    return [f"{label.removesuffix(' in Dogwatch')}: {url}" for label, url in told.links]


def _paragraphs(told: Words, links: Sequence[str] = ()) -> list[str]:
    """Return the plain words under a title."""
    facts = [f"{label}: {value}" for label, value in told.facts]
    output = [f"  {line}" for line in told.output.split("\n")] if told.output else []
    parts = [
        [*told.notes, *told.members],
        [*facts, *links],
        ["Last lines of output:", *output] if output else [],
    ]
    return ["\n".join(part) for part in parts if part]


def tail(output: str) -> str:
    """Return the last lines of an output that a message may carry: 5 lines, 1024 bytes."""
    lines = "\n".join(printable(output).rstrip().split("\n")[-TAIL_LINES:])
    return lines.encode()[-TAIL_BYTES:].decode(errors="ignore")


def local(at: datetime, timezone: str) -> str:
    """Return a time for people: "2026-11-20 02:20 Warsaw"."""
    try:
        there = at.astimezone(ZoneInfo(timezone))
    except (ValueError, OSError, KeyError):  # a zone this machine lost must not lose the message
        return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return f"{there:%Y-%m-%d %H:%M} {timezone.rpartition('/')[2].replace('_', ' ')}"


def _and_others(count: int) -> str:
    if count <= 0:
        return ""
    return f" and {count:,} others" if count > 1 else " and 1 other"


def _notes(message: Message) -> Iterator[str]:
    if message.event is Event.TEST:
        yield "This is a test of this channel. Nothing is wrong."
    if message.rehearsal:
        yield "This is a rehearsal. Nothing is wrong."


def _facts(message: Message) -> Iterator[tuple[str, str]]:
    item = message.first
    if item.reason:
        yield "Why", one_line(item.reason)
    if item.expected_at:
        yield "Expected", local(item.expected_at, item.timezone)
    yield "Since", local(item.since_at, item.timezone)
    if item.down_for_s is not None:
        yield f"Was {_was(item)} for", span(item.down_for_s)
    if item.changes > 1:
        yield "Changes", f"{item.changes:,}, of which this is the last"
    if item.duration_ms is not None and item.event is not Event.DEGRADED:  # its reason says it
        yield "Took", took(item.duration_ms)
    if item.last_ok_at and item.event is not Event.RECOVERED:
        length = "" if item.last_ok_ms is None else f", took {took(item.last_ok_ms)}"
        yield "Last good", local(item.last_ok_at, item.timezone) + length
    if item.about and item.event is not Event.RECOVERED:
        yield "About", one_line(item.about, _NAME_LENGTH)
    if item.tags:
        yield "Tags", one_line(", ".join(item.tags), _NAME_LENGTH)
    yield from _around(message)


def _group_facts(message: Message) -> Iterator[tuple[str, str]]:
    first = min(message.items, key=lambda item: item.since_at)
    yield "Since", local(first.since_at, first.timezone)
    yield from _around(message)


def _around(message: Message) -> Iterator[tuple[str, str]]:
    if message.also_down_count:
        yield "Also down", "; ".join([
            _also_down(message.also_down, message.also_down_count), *_alike(message)
        ])  # fmt: skip
    yield "Workspace", one_line(message.workspace, _NAME_LENGTH)


def _alike(message: Message) -> Iterator[str]:
    """Yield since when other watches are down, and which tags they share with this one."""
    if message.also_down_since_at:
        yield f"since {local(message.also_down_since_at, message.first.timezone)}"
    if message.also_down_tags:
        noun = "tag" if len(message.also_down_tags) == 1 else "tags"
        yield one_line(f"same {noun} {', '.join(message.also_down_tags)}", _NAME_LENGTH)


def _also_down(names: Sequence[str], count: int) -> str:
    named = ", ".join(one_line(name, _SHORT_LENGTH) for name in names[:MOST_ALSO_DOWN])
    return named + _and_others(count - min(len(names), MOST_ALSO_DOWN))


def _members(message: Message) -> Iterator[str]:
    several = len({item.event for item in message.items}) > 1
    for item in message.items:
        event = f"{item.event.capitalize()}: " if several else ""
        yield event + _name(item, _SHORT_LENGTH) + _remark(item)
    if message.more:
        yield f"and {message.more:,} more"


def _name(item: Item, length: int) -> str:
    """Return the name, or where nothing of it can be shown, the slug."""
    return one_line(item.name, length) or one_line(item.slug, length) or "–"


def _was(item: Item) -> str:
    return "degraded" if item.previous_status == "degraded" else "down"


def _remark(item: Item) -> str:
    said = one_line(item.reason, _SHORT_LENGTH)
    if item.down_for_s is not None:
        said = f"was {_was(item)} for {span(item.down_for_s)}"
    if item.changes > 1:
        said = f"{said}; {item.changes:,} changes".removeprefix("; ")
    return f" ({said})" if said else ""
