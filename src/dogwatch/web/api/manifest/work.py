"""What a manifest is written from and applied to, and where its faults stand."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from pydantic import ValidationError

from dogwatch.core.manifest.said import Told
from dogwatch.core.problems import Problem
from dogwatch.usecases.callers import Caller
from dogwatch.usecases.door import Tx
from dogwatch.vault import Vault
from dogwatch.web.api.body import Body
from dogwatch.web.api.problems import faults_of
from dogwatch.web.services import Services

B = TypeVar("B", bound=Body)


@dataclass(frozen=True, slots=True)
class Work:
    """One workspace in a transaction.

    `file` is the name of what is applied, `kept` the ids of the items that were; `unseen` are the
    things that were written though an export may not show it, as it shows no secrets.
    """

    tx: Tx
    services: Services
    caller: Caller
    at: datetime
    file: str = ""
    kept: set[str] = field(default_factory=set)
    unseen: set[str] = field(default_factory=set)

    @property
    def workspace_id(self) -> int:
        """The workspace."""
        return self.caller.workspace_id

    @property
    def vault(self) -> Vault:
        """What opens its secrets."""
        return self.services.vault


def parsed(model: type[B], told: Told) -> B:
    """Return what is told as a body of the API; a Problem names every bad field."""
    try:
        return model.model_validate(told)
    except ValidationError as error:
        fields = faults_of(error.errors(include_input=False, include_url=False))
        raise Problem("invalid", words(fields), fields) from None


@contextmanager
def at(place: str) -> Iterator[None]:
    """Have the faults of what is done inside stand at a place, such as `jobs.3`."""
    try:
        yield
    except Problem as problem:
        fields = {f"{place}.{name}": told for name, told in problem.fields.items()}
        fields = fields or {place: problem.message}
        raise Problem(problem.kind, words(fields), fields) from None


def words(fields: Mapping[str, str]) -> str:
    """Return faults in words."""
    return "; ".join(f"{name}: {told}" for name, told in fields.items())[:2_000]
