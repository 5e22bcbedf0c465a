"""The environment that one run is given beside what its job says, sealed until the run ends."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from dogwatch.core.problems import Problem, invalid
from dogwatch.core.script_action import ScriptAction
from dogwatch.store import environments
from dogwatch.store.tx import Tx
from dogwatch.vault import Vault

Key = tuple[int, str]

# Only who starts a run by hand gives it one: those of the schedule are not looked at.
TRIGGER = "manual"


def context(workspace_id: int, run_id: str) -> str:
    """Return the identity of a row, which its sealed value belongs to."""
    return f"environment:{workspace_id}:{run_id}"


def check(kind: str, action: Mapping[str, Any], env: Mapping[str, str]) -> None:
    """Raise a Problem unless a job with this action can be given this environment."""
    if kind != "script":
        raise invalid("env", "is for scripts; a request has none")
    try:
        ScriptAction.from_json(added(action, env))
    except Problem as problem:
        fields = {n: text for n, text in problem.fields.items() if n.partition(".")[0] == "env"}
        if fields:
            raise Problem("invalid", problem.message, fields) from None


def added(action: Mapping[str, Any], env: Mapping[str, str]) -> dict[str, Any]:
    """Return an action with more in its environment."""
    if not env:
        return dict(action)
    return {**action, "env": {**action.get("env", {}), **env}}


def give(tx: Tx, vault: Vault, workspace_id: int, run_id: str, env: Mapping[str, str]) -> None:
    """Keep the environment of a run that was just queued."""
    sealed = vault.seal(json.dumps(dict(env)).encode(), context(workspace_id, run_id))
    environments.add(tx, workspace_id, run_id, sealed)


def of_runs(tx: Tx, keys: Collection[Key]) -> Mapping[Key, bytes]:
    """Return what there is of runs, sealed, by (workspace id, run id)."""
    return environments.by_keys(tx, keys)


def opened(vault: Vault, key: Key, sealed: Mapping[Key, bytes]) -> dict[str, str]:
    """Decrypt the environment of a run, which is empty where it has none."""
    if key not in sealed:
        return {}
    env: dict[str, str] = json.loads(vault.open(sealed[key], context(*key)))
    return env


def forget(tx: Tx, keys: Collection[Key]) -> None:
    """Forget those of runs that have ended."""
    environments.drop(tx, keys)
