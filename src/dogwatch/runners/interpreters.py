"""Which programs run scripts here: one for each language, and those that a job may name."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dogwatch.core.problems import Problem
from dogwatch.core.script_action import ScriptAction

STANDARD_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
OFF = "off"


@dataclass(frozen=True, slots=True)
class Interpreters:
    """`usual` maps a language to a path, a name on the standard path, or `off`.

    `allowed` are those besides that a job may name.
    """

    usual: Mapping[str, str]
    allowed: Sequence[str] = ()

    def find(self, action: ScriptAction) -> str:
        """Return the path of the program for an action; a Problem where there is none for it."""
        usual = self.usual.get(action.language, "")
        if usual == OFF:
            told = f"scripts in {action.language} are switched off here"
            raise Problem("invalid", told, {"language": told})
        named = action.interpreter
        if named is not None and named not in (usual, *self.allowed):
            told = f"is not allowed here; allowed are {', '.join((usual, *self.allowed))}"
            raise Problem("invalid", f"interpreter {named}: {told}", {"interpreter": told})
        return self._path(action, named or usual)

    def _path(self, action: ScriptAction, name: str) -> str:
        found = shutil.which(name, path=STANDARD_PATH)
        if found is None:
            told = f"interpreter for {action.language} not found: {name or 'none configured'}"
            field = "interpreter" if action.interpreter else "language"
            raise Problem("invalid", told, {field: told})
        return str(Path(found).absolute())
