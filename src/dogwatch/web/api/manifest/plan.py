"""A plan: what a file changes, worked out from what is present, and carried out if that still is.

Working it out reads and writes nothing, so that it takes no turn from those who write.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum

from dogwatch.core.manifest.change import Change
from dogwatch.core.manifest.said import Told
from dogwatch.core.problems import Problem, in_words
from dogwatch.usecases import keeping, manifests
from dogwatch.usecases.callers import Caller
from dogwatch.usecases.door import Tx
from dogwatch.usecases.manifests import Thing
from dogwatch.vault import Vault
from dogwatch.web.api.manifest.places import at
from dogwatch.web.api.manifest.present import Present
from dogwatch.web.services import Services


class Turn(IntEnum):
    """When something is written: what names items comes once all of them are there."""

    PRUNE = 0
    PUT = 1
    UNLINK = 2
    LINK = 3
    LAST = 4


@dataclass(frozen=True, slots=True)
class Writing:
    """One attempt to carry a plan out; `ids` are those of channels by key, `kept` what it kept."""

    tx: Tx
    services: Services
    caller: Caller
    present: Present
    ids: dict[str, str] = field(default_factory=dict)
    kept: set[Thing] = field(default_factory=set)

    @property
    def where(self) -> tuple[Tx, int]:
        """The transaction and the workspace."""
        return self.tx, self.present.workspace_id

    @property
    def vault(self) -> Vault:
        """What opens its secrets."""
        return self.present.vault


Write = Callable[[Writing], None]


@dataclass(frozen=True, slots=True)
class Step:
    """One write, and the place in the file that its faults stand at."""

    turn: Turn
    place: str
    write: Write


@dataclass(slots=True)
class Plan:
    """What a file changes. `kinds` are those of all items there will be, by slug; `above` what
    they will depend on; `keys` those of all channels; `kept` what is there already and kept;
    `taken` names what of that no file keeps so far."""

    present: Present
    services: Services
    caller: Caller
    file: str
    prune: bool = False
    kinds: dict[str, str] = field(default_factory=dict)
    above: dict[str, Sequence[str]] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    steps: list[Step] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)
    kept: set[Thing] = field(default_factory=set)
    freed: set[Thing] = field(default_factory=set)
    released: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    pruned: bool = False
    _worst: Problem | None = None

    @contextmanager
    def at(self, place: str) -> Iterator[None]:
        """Gather the faults of what is done inside, which stand at a place such as `jobs.3`."""
        try:
            with at(place):
                yield
        except Problem as problem:
            self.faults |= problem.fields
            if self._worst is None or problem.kind == "invalid":
                self._worst = problem

    def keep(self, thing: Thing, label: str) -> None:
        """Keep what is there in the file; what another keeps is refused."""
        self.admit(thing, label)
        self.kept.add(thing)
        if thing not in self.present.kept:
            self.taken.append(label)

    def admit(self, thing: Thing, label: str) -> None:
        """Raise a conflict for what another file keeps."""
        file = self.present.kept.get(thing)
        if file not in (None, self.file):
            told = keeping.refusal(thing, label, file)
            raise Problem("conflict", told)

    def change(self, change: Change, *things: Thing) -> None:
        """Note a change, and which kept things it is of."""
        self.changes.append(change)
        self.freed.update(things)

    def do(self, turn: Turn, place: str, write: Write) -> None:
        """Add a write."""
        self.steps.append(Step(turn, place, write))

    def refuse(self) -> None:
        """Raise a Problem of all faults, if there are any."""
        if worst := self._worst:
            raise worst.of_fields(self.faults, in_words(self.faults)) from None

    def carry_out(self, tx: Tx) -> None:
        """Write what changes; raise Stale, having written nothing, if the present has passed."""
        present = self.present
        manifests.lock(tx, present.workspace_id)
        if manifests.stamp(tx, present.workspace_id, lock=True) != present.stamp:
            raise Stale
        ids = {key: row.id for key, row in present.channels.items()}
        writing = Writing(tx, self.services, self.caller, present, ids)
        manifests.free(tx, present.workspace_id, self.freed)
        for step in sorted(self.steps, key=lambda one: one.turn):
            with at(step.place):
                step.write(writing)
        manifests.note(
            tx, present.workspace_id, self.file, self.kept | writing.kept, self.caller.name,
            present.at,
        )  # fmt: skip


class Stale(Exception):  # noqa: N818  (a turn of events: it is planned anew)
    """What a plan was made from has been changed since."""


def asked_of(some: Sequence[Told], section: str) -> Iterator[tuple[str, Told]]:
    """Yield what a section tells with its places, such as `jobs.3`."""
    return ((f"{section}.{number}", told) for number, told in enumerate(some))
