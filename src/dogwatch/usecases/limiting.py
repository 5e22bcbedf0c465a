"""Limiting: requests are spent from the windows of keys, workspaces, addresses and accounts.

On PostgreSQL the nodes share what was spent; see `sharing`. On SQLite there is one process, whose
memory is enough; it is saved now and then, so that a day's window outlives a restart.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from itertools import repeat
from typing import Protocol

from dogwatch.clock import Clock
from dogwatch.core.limits import Mark, Verdict, Window, spend
from dogwatch.core.plans import Plan
from dogwatch.core.problems import Problem
from dogwatch.store import spent
from dogwatch.store.spent import Lasting, Place
from dogwatch.usecases import allowances
from dogwatch.usecases.door import Door

Marks = dict[Place, Lasting]

PLAN_KNOWN_S = 5.0
MOST_MARKS = 100_000
FAILURES = Window("even", 60, 60)
UNKNOWN_PINGS = Window("even", 30, 60)
SIGN_INS_OF_ADDRESS = Window("even", 30, 900)
SIGN_INS_OF_ACCOUNT = Window("even", 10, 900)
CODES_OF_ACCOUNT = Window("even", 20, 86_400)


@dataclass(frozen=True, slots=True)
class Asked:
    """One window of one subject that a request is to be spent from; `name` is for people.

    `place` is where its mark is kept: a plan with another limit goes on with the same mark.
    """

    subject: str
    name: str
    window: Window
    place: Place = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Know the place: it is asked for several times with each request."""
        period = f"{self.window.kind} {self.window.seconds}"
        object.__setattr__(self, "place", (self.subject, period))


# --- who is limited ---------------------------------------------------------------------------


def of_address(ip: str) -> str:
    """Return the subject of a client address; of IPv6 its /64, which one customer has whole."""
    try:
        address = ip_address(ip.partition("%")[0])
    except ValueError:
        return "ip:unknown"
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return f"ip:{address.ipv4_mapped}"
        return f"ip:{ip_network((address, 64), strict=False)}"
    return f"ip:{address}"


def plan_windows(plan: Plan, workspace_id: int) -> Sequence[Asked]:
    """Return the windows of a workspace's plan; none where it is unlimited."""
    subject = f"workspace:{workspace_id}"
    return [Asked(subject, name, window) for name, window in plan.windows().items()]


def address_windows(ip: str) -> Sequence[Asked]:
    """Return what each try to sign in from an address is spent from, whatever comes of it."""
    return (Asked(f"sign-in:{of_address(ip)}", "address", SIGN_INS_OF_ADDRESS),)


def account_windows(account: str) -> Sequence[Asked]:
    """Return what each try of a password is spent from; `account` is an e-mail address, or what
    names a browser that its owner has signed in from."""
    return (Asked(f"sign-in:account {account}"[:128], "account", SIGN_INS_OF_ACCOUNT),)


def code_windows(account: str) -> Sequence[Asked]:
    """Return what each code of an app is spent from: with a password's windows alone, who knows
    that would guess six digits within months."""
    return (Asked(f"code:account {account}"[:128], "codes", CODES_OF_ACCOUNT),)


def failure_windows(ip: str) -> Sequence[Asked]:
    """Return what each failed authentication is spent from."""
    return (Asked(f"failed:{of_address(ip)}", "failures", FAILURES),)


def unknown_ping_windows(ip: str) -> Sequence[Asked]:
    """Return what each ping of a key that nobody knows is spent from."""
    return (Asked(of_address(ip), "pings", UNKNOWN_PINGS),)


def admit(verdicts: Sequence[Verdict]) -> None:
    """Raise limited where a window refuses, with the longest wait."""
    wait_s = longest_wait_s(verdicts)
    if wait_s:
        raise Problem("limited", "too many requests; try again later", retry_after_s=wait_s)


def longest_wait_s(verdicts: Sequence[Verdict]) -> float:
    """Return how long all windows together refuse; 0 where they let a request pass."""
    return max((verdict.retry_after_s for verdict in verdicts), default=0.0)


# --- spending ---------------------------------------------------------------------------------


def spend_in(marks: Marks, asked: Sequence[Asked], at: datetime) -> Sequence[Verdict]:
    """Spend one request in `marks`, which keep the order of their last use."""
    windows = [one.window for one in asked]
    known = [marks.pop(one.place, None) for one in asked]
    before = [lasting[0] if lasting else None for lasting in known]
    latest = max(map(_latest, windows, before, repeat(at)))
    after, verdicts = spend(windows, before, latest)
    for one, mark, verdict in zip(asked, after, verdicts, strict=True):
        if mark is not None:
            marks[one.place] = mark, verdict.reset_at
    return verdicts


def _latest(window: Window, mark: Mark | None, at: datetime) -> datetime:
    """Return the time of a request; never one before a window that another node has begun."""
    if mark is None or mark.at <= at or window.kind == "even":
        return at
    return mark.at if mark.at <= at + timedelta(seconds=window.seconds) else at


class Limiter(Protocol):
    """Spends requests from windows."""

    async def spend(self, asked: Sequence[Asked]) -> Sequence[Verdict]:
        """Spend one request from all windows, or from none if one of them refuses."""
        ...


class Memory:
    """What one process knows; the marks used longest ago go where there are too many."""

    def __init__(self, clock: Clock, most: int = MOST_MARKS) -> None:
        self._clock = clock
        self._most = most
        self._marks: dict[Place, Lasting] = {}
        self._unsaved: set[Place] = set()

    async def spend(self, asked: Sequence[Asked]) -> Sequence[Verdict]:
        """Spend one request."""
        return self.spend_now(asked)

    def spend_now(self, asked: Sequence[Asked]) -> Sequence[Verdict]:
        """Spend one request, without a wait."""
        if not asked:
            return ()
        verdicts = spend_in(self._marks, asked, self._clock.now())
        self._unsaved.update([one.place for one in asked])
        self._forget()
        return verdicts

    def learn(self, marks: Marks) -> None:
        """Go on from what others have counted."""
        self._marks |= marks
        self._forget()

    def _forget(self) -> None:
        while len(self._marks) > self._most:
            oldest = next(iter(self._marks))
            self._unsaved.discard(oldest)
            del self._marks[oldest]

    async def load(self, door: Door) -> None:
        """Take up what was saved."""
        self._marks = await door.aread(spent.saved) | self._marks

    async def save(self, door: Door) -> None:
        """Save what was spent since the last time."""
        unsaved, self._unsaved = self._unsaved, set()
        marks = {place: self._marks[place] for place in unsaved if place in self._marks}
        try:
            if marks:
                await door.awrite(lambda tx: spent.save(tx, marks))
        except BaseException:
            self._unsaved |= unsaved
            raise


# --- plans ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Known:
    """The plan of a workspace and its windows, until a monotonic time."""

    plan: Plan
    windows: Sequence[Asked]
    until: float


class Plans:
    """The plans of workspaces, known for a few seconds."""

    def __init__(self, door: Door, clock: Clock) -> None:
        self._door = door
        self._clock = clock
        self._known: dict[int, _Known] = {}

    async def of(self, workspace_id: int) -> Plan:
        """Return the plan of a workspace."""
        return (await self._of(workspace_id)).plan

    async def windows(self, workspace_id: int) -> Sequence[Asked]:
        """Return the windows of a workspace's plan; none where it is unlimited."""
        return (await self._of(workspace_id)).windows

    async def _of(self, workspace_id: int) -> _Known:
        now = self._clock.monotonic()
        known = self._known.get(workspace_id)
        if known is None or known.until <= now:
            if known:  # the others go by it until the answer is here
                self._known[workspace_id] = replace(known, until=now + PLAN_KNOWN_S)
            plan = await self._door.aread(lambda tx: allowances.plan_in(tx, workspace_id))
            known = _Known(plan, plan_windows(plan, workspace_id), now + PLAN_KNOWN_S)
            self._known[workspace_id] = known
        return known


@dataclass(frozen=True, slots=True)
class Limits:
    """What the doors limit by: `limiter` those who are known, `strangers` all others, by their
    address. In the memory of one process these two don't push each other out."""

    limiter: Limiter
    plans: Plans
    strangers: Limiter


def limits_of(door: Door, limiter: Limiter, clock: Clock) -> Limits:
    """Return the limits of one process."""
    strangers = Memory(clock) if isinstance(limiter, Memory) else limiter
    return Limits(limiter, Plans(door, clock), strangers)
