"""Pings from the command line: where they go, how they are sent, what happens when they cannot."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import quote, urlencode

from dogwatch.cli.client import Answer, Api, Limits, connect, post, refusal, server_of
from dogwatch.cli.session import Session
from dogwatch.clock import Clock
from dogwatch.core.ping import SPOOL_AGE
from dogwatch.core.problems import Problem
from dogwatch.outbox import Outbox, Ping, is_address, is_url

_LIVE_S = 1.0
_PASSING = frozenset({408, 425, 429})
_QUICK = Limits(connect_s=2.0, answer_s=5.0)


class Fate(Enum):
    """What became of a ping."""

    SENT = "sent"
    KEPT = "kept"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Receipt:
    """The fate of a ping and, unless it was sent, why; a remark on one that was."""

    fate: Fate
    problem: Problem | None = None
    remark: str = ""

    @property
    def told(self) -> list[str]:
        """Return what is to be said about it."""
        if not self.problem:
            return [f"dogwatch: {self.remark}"] if self.remark else []
        later = "; kept, sent later" if self.fate is Fate.KEPT else ""
        return [f"dogwatch: ping not sent: {self.problem.message}{later}"]


@dataclass(frozen=True, slots=True)
class Desk:
    """Sends pings oldest first and keeps what cannot be sent."""

    session: Session
    clock: Clock
    outbox: Outbox
    limits: Limits = _QUICK

    def deliver(self, ping: Ping) -> Receipt:
        """Send a ping after the older ones to the same server, or keep it."""
        away = self.flush(ping.origin).get(ping.origin)
        receipt = Receipt(Fate.KEPT, away) if away else self._send(ping, live=True)
        if receipt.fate is Fate.KEPT:
            self.keep(ping)
        return receipt

    def keep(self, ping: Ping) -> Path:
        """Put a ping into the outbox."""
        return self.outbox.put(ping)

    def flush(
        self, origin: str | None = None, tell: Callable[[Ping, Receipt], None] = lambda *_: None
    ) -> dict[str, Problem]:
        """Send what is kept (for one origin or all); return the origins that are away, and why."""
        away: dict[str, Problem] = {}
        if next(self._kept(origin), None) is None:
            return away
        with self.outbox.alone():
            for path, ping in self._kept(origin):
                if ping.origin not in away:
                    receipt = self._send(ping, live=False)
                    _settle(path, receipt)
                    tell(ping, receipt)
                    if receipt.fate is Fate.KEPT and receipt.problem:
                        away[ping.origin] = receipt.problem
                if origin in away:
                    break
        return away

    def _kept(self, origin: str | None) -> Iterator[tuple[Path, Ping]]:
        for path, ping in self.outbox.kept():
            if not origin or ping.origin == origin:
                yield path, ping

    def _send(self, ping: Ping, *, live: bool) -> Receipt:
        if self._age_s(ping) > SPOOL_AGE.total_seconds():
            return Receipt(Fate.REFUSED, Problem("conflict", "too old: it would count as of now"))
        try:
            remark = self._make(ping)
            answer = self._post(ping, self._base(ping.server, ping.to), live=live)
            if answer.status == 404 and not is_address(ping.to):
                answer = self._asked_again(ping, answer, live=live)
        except Problem as problem:
            kept = problem.kind in ("away", "limited", "unauthorized")
            return Receipt(Fate.KEPT if kept else Fate.REFUSED, problem)
        if answer.status < 300:
            return Receipt(Fate.SENT, remark=remark)
        if answer.status == 404:
            return Receipt(Fate.REFUSED, _unknown(ping))
        fate = Fate.KEPT if answer.status >= 500 or answer.status in _PASSING else Fate.REFUSED
        return Receipt(fate, refusal(answer.status, answer.body))

    def _asked_again(self, ping: Ping, unknown: Answer, *, live: bool) -> Answer:
        """Post once more if the workspace's ping key is another one by now."""
        known = self._base(ping.server, ping.to)
        try:
            fresh = self._base(ping.server, ping.to, fresh=True)
        except Problem:
            return unknown
        return unknown if fresh == known else self._post(ping, fresh, live=live)

    def _post(self, ping: Ping, base: str, *, live: bool) -> Answer:
        late = not live or self._age_s(ping) > _LIVE_S
        query = {
            "rid": ping.rid,
            "at": f"{ping.at_s:.6f}" if late else None,
            "create": "1" if ping.create is not None else None,
        }
        given = urlencode({name: value for name, value in query.items() if value})
        url = base + (f"/{ping.signal}" if ping.signal else "") + (f"?{given}" if given else "")
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        return post(url, headers, ping.body.encode("utf-8", "replace"), self.limits)

    def _age_s(self, ping: Ping) -> float:
        return self.clock.now().timestamp() - ping.at_s

    def _base(self, server: str, to: str, *, fresh: bool = False) -> str:
        if is_url(to):
            return to.rstrip("/")
        if is_address(to):
            return f"{server}/ping/{to}"
        return f"{self._workspace(server, fresh=fresh)}/{_quoted(to)}"

    def _workspace(self, server: str, *, fresh: bool) -> str:
        """Return the workspace's ping address, learnt from the server once and remembered."""
        memory = self.session.data_dir / "ping.url"
        known = memory.read_text().strip() if memory.is_file() else ""
        if known.startswith(f"{server}/ping/") and not fresh:
            return known
        learnt = f"{server}/ping/{self._api(server).get('/workspace')['ping_key']}"
        _remember(memory, learnt)
        return learnt

    def _make(self, ping: Ping) -> str:
        """Make the watch with its settings, or say why not; one that exists stays as it is.

        A watch that cannot be made as asked is made by the ping: the run counts all the same.
        """
        if ping.create and not is_address(ping.to):
            try:
                self._api(ping.server).send("POST", "/watches", dict(ping.create))
            except Problem as problem:
                if problem.kind in ("away", "unauthorized"):
                    raise
                if problem.kind != "conflict":
                    return _not_taken(ping.create, problem)
        return ""

    def _api(self, server: str) -> Api:
        return connect(Session(data=self.session.data, server=server, environ=self.session.environ))


class Errand(Thread):
    """One delivery in the background; a daemon, so that no server can hold the program back."""

    def __init__(self, desk: Desk, ping: Ping) -> None:
        super().__init__(daemon=True)
        self._desk = desk
        self._ping = ping
        self._receipt: Receipt | None = None
        self._why = f"{ping.origin} is too slow"
        self.start()

    def run(self) -> None:
        """Deliver, and remember the receipt."""
        try:
            self._receipt = self._desk.deliver(self._ping)
        except Exception as error:  # nothing here may disturb the command
            self._why = f"{type(error).__name__}: {error}"

    def settle(self, within_s: float) -> Receipt:
        """Return the receipt; a delivery that takes too long is kept for later instead.

        It may have arrived all the same: run ids make the second one harmless.
        """
        self.join(max(within_s, 0.0))
        return self._receipt or self._kept()

    def _kept(self) -> Receipt:
        try:
            self._desk.keep(self._ping)
        except Exception as error:
            return Receipt(Fate.REFUSED, Problem("away", f"{self._why}; not kept: {error}"))
        return Receipt(Fate.KEPT, Problem("away", self._why))


def _unknown(ping: Ping) -> Problem:
    if is_address(ping.to):
        return Problem("not_found", "no watch has this ping address")
    shown = ping.to.encode("utf-8", "replace").decode()
    if ping.create is not None:
        told = f"{shown!r} cannot be a slug; take a-z, 0-9, - and _, at most 64"
    else:
        told = f"there is no watch {shown!r}; add it, or use --create"
    return Problem("not_found", told)


def _not_taken(asked: Mapping[str, Any], problem: Problem) -> str:
    given = {name: value for name, value in asked.items() if name in problem.fields}
    shown = ", ".join(f"{name} {value!r}" for name, value in given.items()) or "its settings"
    return f"the watch was not made with {shown}: {problem.message}"


def desk_of(session: Session, clock: Clock) -> Desk:
    """Return the desk of a session."""
    return Desk(session, clock, outbox_of(session))


def outbox_of(session: Session) -> Outbox:
    """Return DATA/spool where DATA exists, with the user's state directory behind it."""
    home = Path(session.environ.get("HOME") or Path.home())
    state = Path(session.environ.get("XDG_STATE_HOME") or home / ".local" / "state")
    behind = state / "dogwatch" / "spool"
    data = session.data_dir
    return Outbox((data / "spool", behind) if data.is_dir() else (behind,))


def address(session: Session, to: str) -> str:
    """Return where pings for a slug, key or URL go; DOGWATCH_PING_URL leads slugs."""
    base = session.environ.get("DOGWATCH_PING_URL")
    return f"{base.rstrip('/')}/{_quoted(to)}" if base and not is_address(to) else to


def _quoted(slug: str) -> str:
    """Return a slug for an address; bytes of an argument that are no UTF-8 stay what they are."""
    return quote(slug, safe="", errors="surrogateescape")


def new_ping(session: Session, to: str, signal: str, clock: Clock, **more: Any) -> Ping:
    """Return a ping of this moment."""
    at_s = clock.now().timestamp()
    return Ping(server_of(session), address(session, to), signal, at_s, **more)


def _settle(path: Path, receipt: Receipt) -> None:
    if receipt.fate is Fate.SENT:
        path.unlink(missing_ok=True)
    elif receipt.fate is Fate.REFUSED:
        path.rename(path.with_suffix(".refused"))


def _remember(memory: Path, learnt: str) -> None:
    try:
        memory.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        aside = memory.with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(learnt)
        aside.rename(memory)
    except OSError:
        return  # only a convenience for offline use
