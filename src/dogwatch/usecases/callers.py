"""Who calls: a key, a person, or somebody with a shell on the host."""

from dataclasses import dataclass
from typing import Literal

from dogwatch.core.policy import POLICY, Grant, Role, lacks
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


def sight(caller: Caller, operation: str) -> int | None:
    """Return the one workspace that an operation may see; None: the instance's see all."""
    return None if POLICY[operation].instance else caller.workspace_id


def require(caller: Caller, operation: str) -> None:
    """Raise refused unless the caller may carry out `operation`."""
    lacking = lacks(caller.grant, operation)
    if lacking:
        raise Problem("refused", lacking)
