"""What may be asked for: the bodies of probes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field

from dogwatch.core.problems import Problem
from dogwatch.core.spec import WatchSpec
from dogwatch.usecases import probes
from dogwatch.usecases.probes import ProbeSpec
from dogwatch.web.api.asked import WatchFields
from dogwatch.web.api.masks import MASK
from dogwatch.web.api.told import tell_of_probe

_STAND_IN = {"kind": "http", "url": "http://x"}
_DEFAULT = ProbeSpec(WatchSpec(name="x", schedule="60", start_by_s=None), _STAND_IN)
_OF_CLIENT = frozenset({"client_key", "client_certificate"})
_OWN = frozenset({"rechecks", "recheck_after_s", "locations", "agree"})

_Target = Annotated[
    dict[str, Any],
    Field(description="`kind` is http, tcp, tls, dns or icmp; see the table of targets."),
]


class ProbeFields(WatchFields):
    """What may be said of a probe besides its watch and its target."""

    model_config = ConfigDict(json_schema_extra=tell_of_probe)

    rechecks: int | None = Field(
        default=None, description="How often a slot that begins badly is asked again; 2."
    )
    recheck_after_s: int | None = Field(default=None, description="The wait before that; 2.")
    locations: list[str] | None = Field(default=None, description='Where from; ["here"].')
    agree: int | None = Field(default=None, description="How many locations must call it bad; 1.")

    def given_target(self) -> dict[str, Any] | None:
        """Return the target as it was sent."""
        return None

    def probe(self, base: ProbeSpec, target: Mapping[str, Any]) -> ProbeSpec:
        """Return `base` with what is said here; null means the default."""
        said = {name: getattr(self, name) for name in self.model_fields_set & _OWN}
        values = {
            name: getattr(_DEFAULT, name) if value is None else value
            for name, value in said.items()
        }
        if "locations" in values:
            values["locations"] = tuple(values["locations"])
        return replace(base, watch=self.spec(base.watch), target=target, **values)

    def faults(self) -> dict[str, str]:
        """Return what the rules of the core find in watch and probe."""
        wrong = super().faults()
        target = self.given_target()
        try:
            probes.check(self.probe(_DEFAULT, _STAND_IN if target is None else _bare(target)))
        except Problem as problem:
            wrong |= {name: text for name, text in problem.fields.items() if self._judged(name)}
        return wrong

    def _judged(self, name: str) -> bool:
        """Whether a fault may be told before it is known what is stored."""
        return name != "agree" or isinstance(self, ProbeNew)


def _bare(target: Mapping[str, Any]) -> dict[str, Any]:
    """Return a target without a masked key, which is judged once it is known."""
    masked = target.get("client_key") == MASK
    return {n: v for n, v in target.items() if not masked or n not in _OF_CLIENT}


class ProbeNew(ProbeFields):
    """A new probe."""

    stand_in: ClassVar[Mapping[str, Any]] = {"name": "x", "schedule": "60", "target": _STAND_IN}
    name: str
    schedule: str | list[str] = Field(
        description="How often: an interval in seconds (60), or a cron line."
    )
    target: _Target

    def given_target(self) -> dict[str, Any]:
        """Return the target as it was sent."""
        return self.target


class ProbeChange(ProbeFields):
    """Changes of a probe: what is not sent stays; a target is replaced as a whole."""

    name: str = Field(default="x", description="Stays if not sent.")
    target: _Target = Field(default=_STAND_IN)

    def given_target(self) -> dict[str, Any] | None:
        """Return the target if one was sent."""
        return self.target if self._sent("target") else None
