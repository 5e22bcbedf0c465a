"""Where the faults of a manifest stand, and in which words they are told."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import TypeVar

from pydantic import ValidationError

from dogwatch.core.manifest.said import Told
from dogwatch.core.problems import Problem, in_words, refuse
from dogwatch.web.api.body import Body
from dogwatch.web.api.problems import faults_of

B = TypeVar("B", bound=Body)


def parsed(model: type[B], told: Told, bad: Mapping[str, str] = MappingProxyType({})) -> B:
    """Return what is told as a body of the API; a Problem names every bad field, and those that
    were found `bad` before."""
    fields = dict(bad)
    try:
        found = model.model_validate(told)
    except ValidationError as error:
        fields |= faults_of(error.errors(include_input=False, include_url=False))
    refuse(fields)
    return found


@contextmanager
def at(place: str) -> Iterator[None]:
    """Have the faults of what is done inside stand at a place, such as `jobs.3`."""
    try:
        yield
    except Problem as problem:
        fields = {f"{place}.{name}": told for name, told in problem.fields.items()}
        fields = fields or {place: problem.message}
        raise problem.of_fields(fields, in_words(fields)) from None


@contextmanager
def told_at(field: str) -> Iterator[None]:
    """Have a limit that is reached told in its own words at a field."""
    try:
        yield
    except Problem as problem:
        raise problem.of_fields({field: problem.message}) from None
