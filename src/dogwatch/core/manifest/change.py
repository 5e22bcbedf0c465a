"""What an applied manifest changes, thing by thing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import unified_diff

from dogwatch.core.manifest.said import Told
from dogwatch.core.workflow.text import written

# What is told of a thing that names it.
_NAMES = ("slug", "key", "label", "name", "title", "channel")
_HEAD = ("--- as it is", "+++ as the file says")


@dataclass(frozen=True, slots=True)
class Change:
    """One thing of a section as it is told before, and after; None where there is none."""

    section: str
    before: Told | None
    after: Told | None

    @property
    def label(self) -> str:
        """What people call it, such as `jobs nightly`."""
        told = self.after or self.before or {}
        return f"{self.section} {next((told[name] for name in _NAMES if told.get(name)), '')}"


@dataclass(frozen=True, slots=True)
class Changes:
    """Things by section and name, such as `jobs nightly`, and all of it as a unified diff."""

    made: Sequence[str]
    changed: Sequence[str]
    removed: Sequence[str]
    diff: str

    @property
    def words(self) -> str:
        """What happened, for people."""
        told = [
            f"{len(some)} {word}"
            for word, some in (
                ("made", self.made), ("changed", self.changed), ("removed", self.removed),
            )
            if some
        ]  # fmt: skip
        return ", ".join(told) or "nothing to change"


def summed(changes: Sequence[Change]) -> Changes:
    """Return what changes; what looks as before, without secrets, changed in those."""
    named = list(_named(changes))
    parts = [_diff(name, one) for name, one in named]
    lines = [line for part in parts if part for line in part]
    secret = [
        f"changed {name}: what is secret of it" for name, one in named if one.before == one.after
    ]
    return Changes(
        [name for name, one in named if one.before is None],
        [name for name, one in named if one.before and one.after],
        [name for name, one in named if one.after is None],
        "\n".join([*(_HEAD if lines else ()), *lines, *secret]),
    )


def _named(changes: Sequence[Change]) -> Iterator[tuple[str, Change]]:
    """Yield changes by section and name; of several alike each is told apart by number."""
    seen: dict[str, int] = {}
    for one in changes:
        number = seen[one.label] = seen.get(one.label, 0) + 1
        yield (one.label if number == 1 else f"{one.label} ({number})"), one


def _diff(name: str, one: Change) -> list[str]:
    """Return how one thing differs, as the hunks of a diff that are headed by its name."""
    before, after = ([] if told is None else _lines(told) for told in (one.before, one.after))
    found = list(unified_diff(before, after, lineterm=""))[2:]
    return [f"@@ {name} @@" if line.startswith("@@") else line for line in found]


def _lines(told: Told) -> list[str]:
    return written([told]).splitlines()
