"""One visit of a browser: who is there, and what was sent."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hmac import compare_digest
from typing import TypeVar
from zoneinfo import ZoneInfo

from fastapi import Request

from dogwatch.core.policy import lacks
from dogwatch.core.problems import Problem
from dogwatch.core.schedule.spans import plain_zone, zone_names
from dogwatch.usecases import audit_log
from dogwatch.usecases.callers import Caller, require
from dogwatch.usecases.door import Tx
from dogwatch.usecases.people import Member, Present, User
from dogwatch.web.reach import Hosts, refuse_blocked
from dogwatch.web.services import Services

T = TypeVar("T")

# The cookie that keeps which workspace was chosen; it opens nothing.
WORKSPACE = "dogwatch-workspace"
# The cookie that keeps the time zones, by colons; a script of ours sets it to the browser's own.
ZONES = "dogwatch-zone"
MOST_ZONES = 3
YEAR_S = 366 * 86_400

PLACES = (
    ("n", "", "Now", "watches.list"),
    ("t", "timeline", "Timeline", "watches.list"),
    ("i", "incidents", "Incidents", "incidents.list"),
    ("a", "alerts", "Alerts", "channels.list"),
    ("s", "settings", "Settings", "workspace.show"),
)
# Reached by the settings, though their addresses do not say so.
_OF_SETTINGS = ("system", "account")


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
    def name(self) -> str:
        """The name, or the id, that the address has in its midst."""
        return str(self.request.path_params["name"])

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
    def member(self) -> Member:
        """In which workspace he is, and as what: the one he chose, else his first."""
        mine = self.signed_in.memberships
        if not mine:
            raise Problem("refused", "you are in no workspace; ask one of its admins to invite you")
        chosen = self.request.cookies.get(WORKSPACE, "")
        return next((one for one in mine if str(one.workspace_id) == chosen), mine[0])

    @property
    def caller(self) -> Caller:
        """He as a caller in his workspace."""
        return self.signed_in.caller(self.member.workspace_id, self.remote_ip)

    @property
    def workspace_id(self) -> int:
        """The id of his workspace."""
        return self.member.workspace_id

    @property
    def places(self) -> list[tuple[str, str, str]]:
        """The places he may go to: (key, way from the front page, word)."""
        if self.signed_in.memberships:
            return [one[:3] for one in PLACES if self.may(one[3])]
        return []

    @property
    def zones(self) -> Sequence[str]:
        """The time zones that he looks at, the one that is shown first."""
        kept = self.request.cookies.get(ZONES, "")[:200].split(":")
        known = (plain_zone(one) for one in kept[:MOST_ZONES] if one in zone_names())
        return list(dict.fromkeys(known)) or ["UTC"]

    @property
    def zone_name(self) -> str:
        """The time zone that times are shown in."""
        return self.zones[0]

    @property
    def zone(self) -> ZoneInfo:
        """The same, as what can be reckoned with."""
        return ZoneInfo(self.zone_name)

    def within(self, place: str) -> bool:
        """Whether this page is a place, or below it."""
        path = self.request.url.path[1:]
        path = f"settings/{path}" if path in _OF_SETTINGS else path
        return path == place or (bool(place) and path.startswith(f"{place}/"))

    def may(self, operation: str) -> bool:
        """Whether he may carry out an operation of the policy in his workspace."""
        return lacks(self.caller.grant, operation) is None

    async def refuse_blocked(self, hosts: Hosts) -> None:
        """Raise a Problem for hosts that nothing here may connect to."""
        await refuse_blocked(self.services, self.caller, hosts)

    @property
    def query(self) -> Mapping[str, str]:
        """The parameters of the address."""
        return self.request.query_params

    @property
    def place(self) -> str:
        """The address of this page, below the front page; that of a form is where it is shown."""
        url = self.request.url
        return url.path[1:] + (f"?{url.query}" if url.query else "")

    @property
    def user_agent(self) -> str:
        """What the browser calls itself."""
        return self.request.headers.get("user-agent", "")

    @property
    def form_token(self) -> str:
        """What each form carries that shows this session this workspace; nobody else can know it.

        So that what was asked in one workspace never happens in another that was entered since.
        """
        here = self.workspace_id if self.present and self.present.memberships else ""
        return self.services.vault.keyed_hash(f"{self.token} {here}", "form").hex()

    def check_form_token(self) -> None:
        """Raise refused for a form that is not of this session and workspace."""
        if not compare_digest(self.form.get("token", "").encode(), self.form_token.encode()):
            told = "this form is of another session or workspace; go back and load it again"
            raise Problem("refused", told)

    async def see(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` on a snapshot of his workspace."""
        return await self.services.door.aread(fn, self.workspace_id)

    async def read(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` on a snapshot of all: for what is asked before there is a workspace."""
        return await self.services.door.aread(fn)

    async def write(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` in a transaction, with all in sight."""
        return await self.services.door.awrite(fn)

    async def carry_out(self, operation: str, about: str, fn: Callable[[Tx], T]) -> T:
        """Run `fn` in a transaction if he may, and note it in the audit log."""
        require(self.caller, operation)

        def noted(tx: Tx) -> T:
            done = fn(tx)
            fields = sorted(name for name in self.form if name != "token")
            audit_log.note(tx, self.caller, operation, about, self.at, {"fields": fields})
            return done

        return await self.services.door.awrite(noted, self.workspace_id)
