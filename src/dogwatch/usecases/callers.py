"""Who calls: a key, a person, or somebody with a shell on the host."""

from dataclasses import dataclass
from typing import Literal

from dogwatch.core.policy import Grant, Role, lacks
from dogwatch.core.problems import Problem


@dataclass(frozen=True, slots=True)
class Caller:
    """One caller in one workspace; `name` is what the audit log shows of him."""

    workspace_id: int
    grant: Grant
    kind: Literal["key", "user", "host"]
    id: str | None
    name: str
    remote_ip: str = ""


def host(workspace_id: int) -> Caller:
    """Return the one who works on the machine itself, and may do everything."""
    return Caller(workspace_id, Grant(Role.OWNER, instance=True), "host", None, "host")


def require(caller: Caller, operation: str) -> None:
    """Raise refused unless the caller may carry out `operation`."""
    lacking = lacks(caller.grant, operation)
    if lacking:
        raise Problem("refused", lacking)
