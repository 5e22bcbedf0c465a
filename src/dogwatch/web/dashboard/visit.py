"""One visit of a browser: who is there, and what was sent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hmac import compare_digest
from typing import TypeVar

from fastapi import Request

from dogwatch.core.problems import Problem
from dogwatch.usecases.door import Tx
from dogwatch.usecases.people import Present, User
from dogwatch.web.services import Services

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A request of a page; `token` is of the session's cookie, `problem` what a form is told."""

    services: Services
    request: Request
    at: datetime
    remote_ip: str
    token: str = ""
    present: Present | None = None
    named: str | None = None
    form: Mapping[str, str] = field(default_factory=dict)
    problem: Problem | None = None

    @property
    def root(self) -> str:
        """The way from this page to the front page; a proxy may have put us anywhere."""
        return "../" * (self.request.url.path.count("/") - 1) or "./"

    @property
    def user(self) -> User:
        """Who is signed in."""
        return self.signed_in.user

    @property
    def signed_in(self) -> Present:
        """Who is signed in, and by which session."""
        if self.present is None:
            raise Problem("unauthorized", "sign in first")
        return self.present

    @property
    def user_agent(self) -> str:
        """What the browser calls itself."""
        return self.request.headers.get("user-agent", "")

    @property
    def form_token(self) -> str:
        """What each form of this session carries, and nobody else can know."""
        return self.services.vault.keyed_hash(self.token, "form").hex()

    def check_form_token(self) -> None:
        """Raise refused for a form that is not of this session."""
        if not compare_digest(self.form.get("token", "").encode(), self.form_token.encode()):
            raise Problem("refused", "this form is of another session; go back and load it again")

    async def read(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` on a snapshot."""
        return await self.services.door.aread(fn)

    async def write(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` in a transaction."""
        return await self.services.door.awrite(fn)
