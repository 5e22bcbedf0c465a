"""What is sent and shown of variables."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, StrictStr

from dogwatch.core.variable import (
    DESCRIPTION_LENGTH,
    KEY_LENGTH,
    description_fault,
    key_fault,
    value_fault,
)
from dogwatch.usecases.variables import Variable
from dogwatch.web.dialect.text import LINES
from dogwatch.web.dialect.times import Instant
from dogwatch.web.dialects.cronium.answers import Pagination, Shape
from dogwatch.web.dialects.cronium.wire.fields import Sent, fault

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_SIGNS = 11


def _key(text: str) -> str:
    text = text.strip()
    if not text:
        raise fault("is required")
    if told := key_fault(text):
        raise fault(told)
    return text


def _value(text: str) -> str:
    if told := value_fault(text):
        raise fault(told)
    return text


def _description(text: str | None) -> str | None:
    if text is not None and (told := description_fault(text)):
        raise fault(told)
    return text


Key = Annotated[StrictStr, Field(max_length=KEY_LENGTH), AfterValidator(_key)]
Value = Annotated[StrictStr, AfterValidator(_value)]
Description = Annotated[
    StrictStr | None,
    Field(max_length=DESCRIPTION_LENGTH),
    LINES,
    AfterValidator(_description),
]


class VariableNew(Sent):
    """What makes a variable."""

    key: Key
    value: Value
    description: Description = None


class VariableChange(Sent):
    """What changes of a variable; what is not sent stays."""

    value: Value | None = None
    description: Description = None


def number_of(own_id: str) -> int:
    """Return an id as a whole number that JSON keeps: its time and five more bits."""
    number = 0
    for sign in own_id[:_SIGNS]:
        number = number * 32 + _CROCKFORD.index(sign)
    return number


class VariableOut(Shape):
    """A variable."""

    id: int
    user_id: str
    key: str
    value: str
    description: str | None
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, variable: Variable, value: str) -> Self:
        """Return the shape of a variable with this value."""
        return cls(
            id=number_of(variable.id),
            user_id=str(variable.workspace_id),
            key=variable.key,
            value=value,
            description=variable.description or None,
            created_at=variable.created_at,
            updated_at=variable.updated_at,
        )


class OneVariable(Shape):
    """A variable."""

    variable: VariableOut


class SomeVariables(Shape):
    """All variables."""

    variables: list[VariableOut]
    pagination: Pagination
