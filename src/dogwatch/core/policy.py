"""Who may do what: each operation with the least role of a member and the scope of a key.

A door names the operation of each of its routes; what is not in the table cannot be reached.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

SCOPES = (
    "read:watches", "write:watches", "read:jobs", "write:jobs", "run:jobs",
    "read:variables", "write:variables", "manage:alerts", "manage:members", "manage:keys", "*",
)  # fmt: skip


class Role(IntEnum):
    """What a member of a workspace is; each may do what those before it may."""

    VIEWER = 1
    EDITOR = 2
    ADMIN = 3
    OWNER = 4


@dataclass(frozen=True, slots=True)
class Need:
    """What an operation asks for; of the instance's, the admin of the instance besides."""

    role: Role
    scope: str
    instance: bool = False


def _of(noun: str, role: Role, scope: str, verbs: str) -> dict[str, Need]:
    return {f"{noun}.{verb}": Need(role, scope) for verb in verbs.split()}


def _of_instance(noun: str, verbs: str) -> dict[str, Need]:
    return {f"{noun}.{verb}": Need(Role.OWNER, "*", instance=True) for verb in verbs.split()}


_VIEWER, _EDITOR, _ADMIN, _OWNER = Role

POLICY: Mapping[str, Need] = {
    **_of("watches", _VIEWER, "read:watches", "list show pings runs flips statistics why parents"),
    **_of("watches", _EDITOR, "write:watches", "make change delete pause resume depend"),
    **_of("flips", _VIEWER, "read:watches", "list"),
    **_of("jobs", _VIEWER, "read:jobs", "list show"),
    **_of("jobs", _EDITOR, "write:jobs", "make change delete pause resume reset"),
    **_of("jobs", _EDITOR, "run:jobs", "trigger"),
    **_of("probes", _VIEWER, "read:jobs", "list show"),
    **_of("probes", _EDITOR, "write:jobs", "make change delete pause resume"),
    **_of("probes", _EDITOR, "run:jobs", "test"),
    **_of("workflows", _VIEWER, "read:jobs", "list show versions tree"),
    **_of("workflows", _EDITOR, "write:jobs", "make change delete pause resume restore webhook"),
    **_of("workflows", _EDITOR, "run:jobs", "trigger rerun"),
    **_of("actions", _VIEWER, "read:jobs", "show effects"),
    **_of("actions", _EDITOR, "write:jobs", "change"),
    **_of("runs", _VIEWER, "read:jobs", "list show output stream"),
    **_of("runs", _EDITOR, "run:jobs", "cancel"),
    **_of("channels", _EDITOR, "manage:alerts", "list show make change delete test"),
    **_of("rules", _EDITOR, "manage:alerts", "list show make change delete"),
    **_of("maintenance", _EDITOR, "manage:alerts", "list show make change delete"),
    **_of("status_pages", _VIEWER, "read:watches", "list show posts"),
    **_of("status_pages", _EDITOR, "manage:alerts", "make change delete post"),
    **_of("status_posts", _VIEWER, "read:watches", "show"),
    **_of("status_posts", _EDITOR, "manage:alerts", "change delete"),
    **_of("incidents", _VIEWER, "read:watches", "list show"),
    **_of("incidents", _EDITOR, "manage:alerts", "acknowledge snooze close"),
    **_of("deliveries", _EDITOR, "manage:alerts", "list show"),
    **_of("variables", _VIEWER, "read:variables", "list"),
    **_of("variables", _EDITOR, "read:variables", "show"),
    **_of("variables", _EDITOR, "write:variables", "set change delete"),
    # A manifest is of everything.
    **_of("manifests", _EDITOR, "*", "list export apply release"),
    **_of("workspace", _VIEWER, "read:watches", "show"),
    **_of("workspace", _ADMIN, "manage:members", "change"),
    **_of("workspace", _OWNER, "*", "export delete"),
    **_of("members", _VIEWER, "manage:members", "list"),
    **_of("members", _ADMIN, "manage:members", "change remove"),
    **_of("invitations", _ADMIN, "manage:members", "list make revoke"),
    **_of("keys", _ADMIN, "manage:keys", "list make rotate revoke"),
    **_of("audit_log", _ADMIN, "manage:members", "list"),
    **_of_instance("users", "list change"),
    **_of_instance("workspaces", "list make"),
    **_of_instance("plans", "list assign"),
    **_of_instance("instance_log", "list"),
}


@dataclass(frozen=True, slots=True)
class Grant:
    """What a caller holds: a member's role, a key's scopes (None where no key is used), and
    whether he is the admin of the instance."""

    role: Role
    scopes: frozenset[str] | None = None
    instance: bool = False


def lacks_scope(grant: Grant, operation: str) -> bool:
    """Whether the caller's key has not the scope of an operation. KeyError: unknown."""
    return grant.scopes is not None and not grant.scopes & {POLICY[operation].scope, "*"}


def lacks(grant: Grant, operation: str) -> str | None:
    """Return what the caller lacks for an operation, in words, or None. KeyError: unknown."""
    need = POLICY[operation]
    if lacks_scope(grant, operation):
        return f"the API key lacks the scope {need.scope}"
    if need.instance and not grant.instance:
        return "only an admin of this instance may do this"
    if grant.role < need.role:
        return f"this takes the role {need.role.name.lower()}, not {grant.role.name.lower()}"
    return None


def grantable(role: Role) -> Collection[str]:
    """Return the scopes that a member of this role may give to a key: none that lets it do more."""
    return [
        scope
        for scope in SCOPES
        if all(need.role <= role for need in POLICY.values() if scope in (need.scope, "*"))
    ]


@lru_cache(maxsize=4096)
def least_role(scopes: frozenset[str]) -> Role:
    """Return the least role that may give these scopes to a key: what the key then counts as.

    So a key to manage members makes nobody more than who could have made the key is himself.
    """
    enough = (role for role in Role if scopes <= set(grantable(role)))
    return min(enough, default=Role.VIEWER)
