"""What every JSON body has in common: nothing unknown, no coercion, all faults told at once."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from dogwatch.core.problems import Problem
from dogwatch.web.api.problems import faults_of, told

DEEPEST = 32
_HALF = re.compile("[\ud800-\udfff]")


class Body(BaseModel):
    """A JSON object. A subclass adds the rules of the core by `check`.

    `stand_in` has a value for each required field, so that the rest is judged where one is bad.
    """

    model_config = ConfigDict(extra="forbid", strict=True)
    stand_in: ClassVar[Mapping[str, Any]] = {}

    def check(self) -> None:
        """Raise a Problem of all fields that break a rule which types cannot say."""

    @model_validator(mode="wrap")
    @classmethod
    def _judge(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        wrong = dict(text_faults(data))
        try:
            body = handler(data)
        except ValidationError as error:
            wrong = faults_of(error.errors(include_input=False, include_url=False)) | wrong
            raise _fault(cls._rest_faults(data, wrong, handler) | wrong) from None
        wrong = faults(body) | wrong
        if wrong:
            raise _fault(wrong)
        return body

    @classmethod
    def _rest_faults(
        cls, data: Any, wrong: Mapping[str, str], handler: ModelWrapValidatorHandler[Self]
    ) -> dict[str, str]:
        """Judge what is left without the bad fields."""
        if not isinstance(data, Mapping):
            return {}
        bad = {name.partition(".")[0] for name in wrong}
        rest = {name: value for name, value in data.items() if name not in bad}
        try:
            body = handler({**cls.stand_in, **rest})
        except ValidationError:
            return {}
        return {n: text for n, text in faults(body).items() if n.partition(".")[0] not in bad}


def faults(body: Body) -> dict[str, str]:
    """Return what `check` finds, field to message."""
    try:
        body.check()
    except Problem as problem:
        return dict(problem.fields) or {"body": problem.message}
    return {}


def text_faults(data: object) -> Iterator[tuple[str, str]]:
    """Yield the places of text that no database keeps, and of what is nested without end."""
    waiting: list[tuple[str, object, int]] = [("", data, 0)]
    while waiting:
        place, value, depth = waiting.pop()
        if depth > DEEPEST:
            yield place[:200], f"is nested more than {DEEPEST} deep"
        elif isinstance(value, str):
            yield from _text_fault(place, value)
        elif isinstance(value, Mapping):
            for name, inner in value.items():
                yield from _text_fault(f"{place}.{_shown(name)}"[:200].lstrip("."), name)
                waiting.append((f"{place}.{_shown(name)}".lstrip("."), inner, depth + 1))
        elif isinstance(value, list):
            waiting += [(f"{place}.{n}", inner, depth + 1) for n, inner in enumerate(value)]


def _shown(name: str) -> str:
    return name[:64].encode(errors="replace").decode().replace("\0", "?")


def _text_fault(place: str, value: str) -> Iterator[tuple[str, str]]:
    if "\0" in value:
        yield place, "holds a NUL character"
    elif _HALF.search(value):
        yield place, "holds half a character (a lone surrogate)"


def _fault(wrong: Mapping[str, str]) -> ValidationError:
    lines = [
        InitErrorDetails(
            type=PydanticCustomError("fault", "{message}", {"message": message}),
            loc=(field,),
            input=None,
        )
        for field, message in told(wrong).items()
    ]
    return ValidationError.from_exception_data("body", lines)
