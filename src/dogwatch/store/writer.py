"""The writer: takes what waits, runs it in one transaction, answers after the commit."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import chain
from queue import Empty, SimpleQueue
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

from dogwatch.clock import Clock
from dogwatch.store.backend import Backend, Fault
from dogwatch.store.tx import Tx
from dogwatch.store.wakes import Wakes, guarded

GROUP_BUDGET_S = 0.02
"""Work after which a group commits and leaves the rest to the next."""
TRIES = 6
"""Attempts at a command that meets other transactions: the first and five more."""

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Command:
    """A write that waits for its turn, and how its latest attempt went."""

    fn: Callable[[Tx], Any]
    deadline: float
    workspace_id: int | None = None
    future: Future[Any] = field(default_factory=Future)
    tries: int = 0
    tx: Tx | None = None
    value: Any = None
    error: Exception | None = None

    def run(self, conn: Connection, backend: Backend) -> None:
        """Run the function anew in the open transaction."""
        self.tx, self.value, self.error = Tx(conn, backend.dialect), None, None
        if self.workspace_id is not None:
            backend.confine(conn, self.workspace_id)
        self.value = self.fn(self.tx)

    @property
    def kept(self) -> list[Tx]:
        """The transaction to follow up: none if the attempt failed."""
        return [self.tx] if self.tx is not None and self.error is None else []

    def answer(self) -> None:
        """Resolve the future with the latest attempt."""
        if self.error is None:
            self.future.set_result(self.value)
        else:
            self.future.set_exception(self.error)


Queue = SimpleQueue[Command | None]


class Interrupted(Exception):  # noqa: N818  (a turn of events, not the command's error)
    """A group's transaction ended before its COMMIT was sent: nothing of it is saved."""

    def __init__(self, error: Exception, fault: Fault, *, at_begin: bool = False) -> None:
        super().__init__(str(error))
        self.error = error
        self.fault = fault
        self.at_begin = at_begin


class Writer(threading.Thread):
    """One thread with one connection. `None` in the queue ends it."""

    def __init__(self, number: int, queue: Queue, backend: Backend, wakes: Wakes, clock: Clock):
        super().__init__(name=f"dogwatch-writer-{number}", daemon=True)
        self._queue = queue
        self._backend = backend
        self._wakes = wakes
        self._clock = clock
        self._conn: Connection | None = None
        self._last = False
        self._never = threading.Event()

    def run(self) -> None:
        """Work until the queue says that it ends."""
        while group := self._take():
            try:
                self._settle(group)
            except BaseException as error:
                _log.exception("the writer failed")
                self._hang_up()
                _refuse((one for one in group if not one.future.done()), error)
        self._hang_up()

    def _take(self) -> list[Command]:
        """Wait for a command and return it with those that wait behind it."""
        group: list[Command] = []
        while not self._last and len(group) < self._backend.group_max:
            try:
                one = self._queue.get(block=not group)
            except Empty:
                break
            if one is None:
                self._last = True
            elif one.future.set_running_or_notify_cancel():
                group.append(one)
        return group

    def _settle(self, group: list[Command]) -> None:
        """Attempt a group, and what is left of it, until all are answered."""
        pending = deque((group,))
        while pending:
            group = pending.popleft()
            try:
                rest = [self._attempt(group)]
            except Interrupted as cut:
                if cut.at_begin:
                    group = [*group, *chain.from_iterable(pending)]
                    pending.clear()
                rest = self._again(group, cut)
            pending.extendleft(part for part in reversed(rest) if part)

    def _attempt(self, group: list[Command]) -> list[Command]:
        """Run a group in one transaction; return those for which there was no time."""
        conn = self._begin()
        try:
            ran = self._run_alone(conn, group) if len(group) == 1 else self._run_all(conn, group)
            topics = frozenset[str]().union(*(tx.topics for one in ran for tx in one.kept))
            if topics:
                self._call(self._backend.announce, conn, topics)
            committed = self._commit(conn, ran)
        except Interrupted as cut:
            if cut.fault is Fault.AWAY:
                self._hang_up()
            else:
                self._roll_back()
            raise
        if committed:
            self._follow(ran, topics)
        _answer(ran)
        if self._conn is not None:
            guarded(lambda: self._backend.tidy(conn))
        return group[len(ran) :]

    def _begin(self) -> Connection:
        try:
            self._conn = self._conn or self._backend.connect()
            self._conn.begin()
        except DBAPIError as error:
            self._hang_up()
            raise Interrupted(error, Fault.AWAY, at_begin=True) from error
        return self._conn

    def _run_alone(self, conn: Connection, group: list[Command]) -> list[Command]:
        """Run a single command; its error ends the transaction."""
        one = group[0]
        try:
            one.run(conn, self._backend)
        except Exception as error:
            self._interrupt_unless_own(error)
            one.error = self._backend.explain(error)
        return group

    def _run_all(self, conn: Connection, group: list[Command]) -> list[Command]:
        """Run commands, each in its savepoint, while the budget lasts; return those that ran."""
        enough = self._clock.monotonic() + GROUP_BUDGET_S
        self._call(self._backend.mark, conn)
        for count, one in enumerate(group, 1):
            try:
                one.run(conn, self._backend)
                self._backend.mark_next(conn)
            except Exception as error:
                self._interrupt_unless_own(error)
                one.error = self._backend.explain(error)
                self._call(self._backend.back_to_mark, conn)
            if self._clock.monotonic() > enough:
                return group[:count]
        return group

    def _call(self, fn: Callable[..., object], *args: object) -> None:
        """Call what must succeed for the transaction to go on."""
        try:
            fn(*args)
        except Exception as error:
            self._interrupt_unless_own(error)
            raise Interrupted(error, Fault.BROKEN) from error

    def _interrupt_unless_own(self, error: Exception) -> None:
        fault = self._backend.fault(error)
        if fault is not Fault.OWN:
            raise Interrupted(error, fault) from error

    def _commit(self, conn: Connection, ran: list[Command]) -> bool:
        """Commit, or record why not; a refusal that lets the group be tried again interrupts."""
        if len(ran) == 1 and ran[0].error is not None:
            self._roll_back()
            return False
        try:
            conn.commit()
        except Exception as error:
            self._hang_up()
            if self._backend.fault(error) is Fault.CONFLICT:
                raise Interrupted(error, Fault.CONFLICT) from error
            if isinstance(error, IntegrityError) and len(ran) > 1:
                raise Interrupted(error, Fault.BROKEN) from error
            for one in ran:
                one.error = one.error or self._backend.explain_commit(error)
            return False
        return True

    def _follow(self, ran: list[Command], topics: frozenset[str]) -> None:
        """Do what was asked for after the commit."""
        for one in ran:
            for tx in one.kept:
                for effect in tx.effects:
                    guarded(effect)
        if topics:
            self._wakes.tell(topics)

    def _again(self, group: list[Command], cut: Interrupted) -> list[list[Command]]:
        """Answer those who waited long enough; return the others as groups to attempt."""
        over = [one for one in group if self._is_over(one, cut)]
        _refuse(over, self._backend.explain(cut.error))
        left = [one for one in group if not one.future.done()]
        if left and cut.fault is not Fault.BROKEN:
            self._never.wait(min(0.2, 0.01 * 2 ** min(left[0].tries, 6)))
        return [left] if cut.at_begin else [[one] for one in left]

    def _is_over(self, one: Command, cut: Interrupted) -> bool:
        one.tries += 1
        if cut.fault is Fault.AWAY:
            # Cut in its midst, however late, it is tried once more: all may be well again.
            first = one.tries == 1 and not cut.at_begin
            return not first and self._clock.monotonic() >= one.deadline
        return cut.fault is Fault.CONFLICT and one.tries >= TRIES

    def _roll_back(self) -> None:
        """End the transaction; a connection that cannot is given up."""
        if self._conn is None:
            return
        try:
            self._conn.rollback()
            if not self._conn.invalidated:
                return
        except DBAPIError:
            pass
        self._hang_up()

    def _hang_up(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            guarded(conn.invalidate)
            guarded(conn.close)


def _answer(group: Iterable[Command]) -> None:
    for one in group:
        one.answer()


def _refuse(group: Iterable[Command], error: BaseException) -> None:
    for one in group:
        one.future.set_exception(error)
