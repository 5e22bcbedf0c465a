"""Short words for what tests of probes do most; times are seconds after noon."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dogwatch.core.result import Outcome, Result
from dogwatch.core.spec import WatchSpec
from dogwatch.store.watches import Record
from dogwatch.usecases import probes, probing
from dogwatch.usecases.probes import HERE, ProbeSpec
from dogwatch.usecases.probing import Question, Reply
from tests.harness.house import House, after

TARGET = {"kind": "http", "url": "https://shop.example/health"}
_OWN = ("rechecks", "recheck_after_s", "locations", "agree")


@dataclass(frozen=True, slots=True)
class Probing:
    """A house whose probes are asked by hand."""

    house: House

    def spec(self, slug: str = "shop", **given: Any) -> ProbeSpec:
        """Describe a probe: once a minute on the full minute, unless told else."""
        own = {name: given.pop(name) for name in _OWN if name in given}
        target = given.pop("target", TARGET)
        watch: dict[str, Any] = {"name": slug, "slug": slug, "schedule": "* * * * *"}
        watch |= {"start_by_s": None} | given
        return ProbeSpec(WatchSpec(**watch), target, **own)

    def make(self, slug: str = "shop", at: float = 0, **given: Any) -> Record:
        """Make a probe."""
        house = self.house
        spec = self.spec(slug, **given)
        return house.do(probes.add, house.workspace.id, spec, house.vault, after(at))

    def claim(
        self, at: float, location: str = HERE, node: str = "node-a", limit: int = 100
    ) -> list[Question]:
        """Claim what is due."""
        house = self.house
        return house.do(probing.claim, location, node, after(at), limit, house.vault)

    def reply(
        self, questions: Sequence[Question], at: float, outcome: Outcome | str = "ok", **facts: Any
    ) -> None:
        """Answer questions."""
        values: dict[str, Any] = {"reason": str(outcome), "duration_ms": 5} | facts
        result = Result(Outcome(outcome), **values)
        replies = [Reply(one, result, after(at), after(at)) for one in questions]
        self.house.do(probing.finish, replies, after(at))

    def ask(self, at: float, outcome: str = "ok", location: str = HERE, **facts: Any) -> int:
        """Claim and answer; return how many probes that were."""
        questions = self.claim(at, location)
        self.reply(questions, at + 0.1, outcome, **facts)
        return len(questions)

    def status(self, slug: str = "shop") -> str:
        """Return the status of a probe."""
        return str(self.house.find(slug).watch.status)
