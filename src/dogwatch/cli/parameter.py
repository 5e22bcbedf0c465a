"""What the types of options and arguments are made of."""

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    ParamType = click.ParamType
else:  # not every version that we take is generic

    class ParamType(click.ParamType):
        """A type that may be told what it makes."""

        def __class_getitem__(cls, _made: Any) -> type:
            return cls
