"""Which watches something is about: as it is asked for, and as it is answered."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from dogwatch.core.alerts import Scope


class ScopeAsked(BaseModel):
    """Which watches: all, by tags, by projects, or these by id or slug."""

    model_config = ConfigDict(extra="forbid", strict=True)
    kind: Literal["all", "tags", "project", "watches"] = "all"
    values: list[Annotated[str, Field(min_length=1, max_length=64)]] = Field(default=[])

    def faults(self) -> Mapping[str, str]:
        """Return what is wrong where nothing would ever match."""
        if (self.kind == "all") != (not self.values):
            return {"scope.values": "give them for tags, project and watches, not for all"}
        return {"scope.values": "at most 1000"} if len(self.values) > 1000 else {}

    def scope(self) -> Scope:
        """Return the scope."""
        return Scope(self.kind, frozenset(self.values))


class ScopeOut(BaseModel):
    """Which watches a rule or a window is about."""

    kind: str
    values: list[str]

    @classmethod
    def of(cls, scope: Scope) -> "ScopeOut":
        """Return the shape of a scope."""
        return cls(kind=scope.kind, values=sorted(scope.values))
