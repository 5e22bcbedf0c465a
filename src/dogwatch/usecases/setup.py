"""The first person of an instance: a link printed once, claimed by one."""

import hmac
import json
from datetime import datetime, timedelta

from dogwatch.core.policy import Role
from dogwatch.core.problems import Problem
from dogwatch.ids import new_token
from dogwatch.store import members, nodes, users, watches
from dogwatch.store.tx import Tx
from dogwatch.store.users import User
from dogwatch.usecases import people, workspaces
from dogwatch.vault import Vault

CODE_BITS = 128
LIFE = timedelta(minutes=15)
TRIES = 5
_FACT = "setup"


def needed(tx: Tx) -> bool:
    """Whether nobody was ever made here."""
    return users.count(tx) == 0


def is_empty(tx: Tx, at: datetime) -> bool:
    """Whether nothing is watched yet in the first person's workspace."""
    return watches.count(tx, workspaces.first(tx, at).id) == 0


def offer(tx: Tx, vault: Vault, at: datetime) -> str | None:
    """Return a new code for the set-up link; the one before is void. None once somebody is here."""
    nodes.claim_fact(tx, _FACT, "{}")
    if not needed(tx):
        return None
    code = new_token(CODE_BITS)
    proof = vault.keyed_hash(code, "setup").hex()
    until = int((at + LIFE).timestamp())
    nodes.set_fact(tx, _FACT, json.dumps({"proof": proof, "until": until, "tries": TRIES}))
    return code


def opens(tx: Tx, code: str, vault: Vault, at: datetime) -> bool:
    """Whether a code is the link's, and not worn out; a wrong one costs a try.

    not_found once somebody is here.
    """
    fact = json.loads(nodes.claim_fact(tx, _FACT, "{}"))
    if not needed(tx):
        raise Problem("not_found", "this instance is set up")
    if not fact or fact["tries"] < 1 or fact["until"] <= at.timestamp():
        return False
    right = hmac.compare_digest(vault.keyed_hash(code, "setup").hex(), fact["proof"])
    if not right:
        nodes.set_fact(tx, _FACT, json.dumps(fact | {"tries": fact["tries"] - 1}))
    return right


def claim(
    tx: Tx, code: str, email: str, name: str, password_hash: str, vault: Vault, at: datetime
) -> User | None:
    """Make the first person, admin of all; None for a wrong or worn-out code, which costs a try.

    Of several at once one wins: the fact is locked, and it is void afterwards.
    """
    if not opens(tx, code, vault, at):
        return None
    return first_person(tx, email, name, password_hash, at)


def first_person(tx: Tx, email: str, name: str, password_hash: str, at: datetime) -> User:
    """Make the first person, admin of the instance and owner of the first workspace."""
    nodes.claim_fact(tx, _FACT, "{}")
    if not needed(tx):
        raise Problem("conflict", "this instance is set up; add people with dogwatch user")
    user = people.make(tx, email, name, password_hash, at, admin=True)
    members.add(tx, workspaces.first(tx, at).id, user.id, Role.OWNER, at)
    nodes.set_fact(tx, _FACT, "{}")
    return user
