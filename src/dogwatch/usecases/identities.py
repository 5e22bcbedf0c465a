"""Identities: people as an OpenID Connect provider knows them, by issuer and subject alone.

An e-mail address links nobody: whoever gets one at the provider would get the account with it.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.exc import IntegrityError

from dogwatch.core.problems import Problem
from dogwatch.store import users
from dogwatch.store.tx import Tx
from dogwatch.store.users import User
from dogwatch.usecases import people, setup

TAKEN = "this identity belongs to another account here; sign in with it, or remove it there first"


def known(tx: Tx, issuer: str, subject: str) -> User | None:
    """Return the person that an identity is linked to; Problem refused for one who is shut out."""
    user = users.by_identity(tx, issuer, subject)
    if user is not None and user.disabled_at is not None:
        raise Problem("refused", "this account is shut out; ask an admin of this instance")
    return user


def linked(tx: Tx, user_id: str, issuer: str) -> bool:
    """Whether a person has an identity of an issuer."""
    return users.identity(tx, user_id, issuer) is not None


def link(tx: Tx, user_id: str, issuer: str, subject: str) -> None:
    """Let a person sign in by an identity; conflict where it, or his place for one, is taken."""
    user = users.by_id(tx, user_id, lock=True)
    if user is None or user.disabled_at is not None:
        raise Problem("not_found", "there is no such person")
    if linked(tx, user_id, issuer):
        raise Problem("conflict", "you have an identity of this provider; remove that one first")
    try:
        with tx.conn.begin_nested():
            users.link(tx, user_id, issuer, subject)
    except IntegrityError:
        raise Problem("conflict", TAKEN) from None


def unlink(tx: Tx, user: User, issuer: str) -> None:
    """Let a person sign in by an identity no longer; conflict where he has no password."""
    if user.password_hash is None:
        raise Problem("conflict", "you have no password, so this is your only way in")
    if not users.unlink(tx, user.id, issuer):
        raise Problem("not_found", "no identity of this provider is linked")


def newcomer(
    tx: Tx,
    issuer: str,
    subject: str,
    email: str | None,
    name: str,
    domains: Collection[str],
    at: datetime,
) -> User | None:
    """Make a person of a verified address in one of `domains`; None where that lets nobody in.

    Never the first person, who is made by the set-up link; conflict where the address is taken.
    """
    if email is None or email.rpartition("@")[2].lower() not in domains or setup.needed(tx):
        return None
    return make(tx, issuer, subject, email, name, at)


def make(tx: Tx, issuer: str, subject: str, email: str, name: str, at: datetime) -> User:
    """Make a person who signs in by an identity alone; conflict where the address is taken."""
    user = people.make(tx, email, name[:100], None, at)
    link(tx, user.id, issuer, subject)
    return user
