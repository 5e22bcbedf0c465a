"""What an applied manifest changed: from what was exported before to what is after."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff

from dogwatch.core.manifest.said import Told
from dogwatch.core.manifest.text import SECTIONS, Document, written

# What is told of a thing that names it.
_NAMES = ("slug", "key", "label", "name", "title", "channel")


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


def between(before: Document, after: Document, written_too: Collection[str] = ()) -> Changes:
    """Return what changed; of `written_too` those as well that look as before, without secrets."""
    old, new = _named(before), _named(after)
    lines = unified_diff(
        written(before).splitlines(), written(after).splitlines(), "as it is", "as the file says",
        lineterm="",
    )  # fmt: skip
    changed = [name for name, told in new.items() if name in old and old[name] != told]
    secret = [name for name in new if name in old and name in written_too and name not in changed]
    return Changes(
        [name for name in new if name not in old],
        changed + secret,
        [name for name in old if name not in new],
        "\n".join([*lines, *(f"changed {name}: what is secret of it" for name in secret)]),
    )


def _named(document: Document) -> Mapping[str, Told]:
    """Return what is told by section and name; of several alike each is told apart by number."""
    found: dict[str, Told] = {}
    for section in SECTIONS:
        for told in document.get(section, ()):
            label = f"{section} {next((told[n] for n in _NAMES if told.get(n)), '')}"
            name, number = label, 2
            while name in found:
                name, number = f"{label} ({number})", number + 1
            found[name] = told
    return found
