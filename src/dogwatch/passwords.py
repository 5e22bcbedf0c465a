"""Passwords: hashed slowly (Argon2id), a few at a time, in threads of their own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from dogwatch.core.problems import Problem

T = TypeVar("T")

LEAST, MOST = 10, 1024
_COMMON: Final = frozenset(
    {"1234567890", "0123456789", "password12", "password123", "qwertyuiop", "qwerty12345"}
)
# What a sign-in is checked against where there is no such person: it must take as long.
_NOBODY: Final = (
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)


class Passwords:
    """Argon2id with 19 MiB, 2 passes, 1 lane (OWASP), `at_once` at a time.

    More wait their turn, so that sign-ins never starve pings; beyond `waiting` they are refused.
    """

    def __init__(self, at_once: int = 1, waiting: int = 32) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, type=Type.ID)
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="password")
        self._room = at_once + waiting
        self._inside = 0

    async def hash(self, password: str) -> str:
        """Return what is stored of a password; raise invalid for a weak one."""
        check(password)
        return await self._in_thread(self._hasher.hash, password)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether `password` is the one; as slow for a person who has none (None)."""
        if len(password) > MOST:
            return False
        return await self._in_thread(self._verify, stored or _NOBODY, password)

    def outdated(self, stored: str) -> bool:
        """Whether a hash was made with other costs than today's."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def hash_now(self, password: str) -> str:
        """Hash on this thread, for the command line."""
        check(password)
        return self._hasher.hash(password)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_thread(self, fn: Callable[..., T], *args: str) -> T:
        if self._inside >= self._room:
            raise Problem("limited", "too many sign-ins at once; try again", retry_after_s=2)
        self._inside += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, fn, *args)
        finally:
            self._inside -= 1


def check(password: str) -> None:
    """Raise invalid for a password that is too short, too long or too common (NIST 800-63B)."""
    message = ""
    if len(password) < LEAST:
        message = f"use at least {LEAST} characters"
    elif len(password) > MOST:
        message = f"use at most {MOST} characters"
    elif password.lower() in _COMMON or len(set(password)) < 4:
        message = "this one is too easy to guess"
    if message:
        raise Problem("invalid", f"password: {message}", {"password": message})
