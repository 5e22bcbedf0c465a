"""Dataclasses for what every ping makes a dozen of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def data(*, kw_only: bool = False) -> Callable[[type[T]], type[T]]:
    """Make a slotted dataclass that the type checker alone keeps frozen.

    To freeze it at run time as well would make each instance cost ten times as much.
    """
    return dataclass(slots=True, unsafe_hash=True, kw_only=kw_only)
