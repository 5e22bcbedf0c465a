"""How far scripts are kept from the machine that runs them."""

from typing import Literal, get_args

Level = Literal["off", "trusted", "bubblewrap"]
Least = Literal["trusted", "bubblewrap"]

LEVELS: tuple[Level, ...] = get_args(Level)


def lacking(level: Level, least: Least, why: str = "") -> str | None:
    """Say why no script runs at this level; None if one does.

    `least` is what the workspace demands, `why` the reason that the level is no higher.
    """
    if level == "off":
        return why or "scripts are switched off here"
    if LEVELS.index(level) >= LEVELS.index(least):
        return None
    reason = f" ({why})" if why else ""
    return f"the workspace demands isolation by {least}, and here it is {level}{reason}"
