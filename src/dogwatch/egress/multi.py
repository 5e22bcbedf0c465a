"""libcurl's transfers on an event loop: an epoll of our own, of which the loop sees one reader.

A reader of the loop for every connection costs more than the connection itself, and libcurl's word
of each change of its timer more than to ask for it once after many.
Sources: CURLMOPT_SOCKETFUNCTION(3), curl_multi_socket_action(3), curl_multi_timeout(3).
"""

import asyncio
import math
import select

import pycurl

from dogwatch.clock import Clock

NEVER = math.inf
# A CURLcode and what libcurl says of it; None where all went well.
Error = tuple[int, str] | None

# Handled without a break; what is left over is told again, after whoever else waits.
_BATCH = 48
_WANTED = {
    pycurl.POLL_NONE: 0,
    pycurl.POLL_IN: select.EPOLLIN,
    pycurl.POLL_OUT: select.EPOLLOUT,
    pycurl.POLL_INOUT: select.EPOLLIN | select.EPOLLOUT,
}


class Multi:
    """Performs transfers of easy handles; belongs to the event loop that uses it first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._epoll = select.epoll()
        self._watched: set[int] = set()
        self._going: dict[pycurl.Curl, asyncio.Future[Error]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = NEVER
        self._beginning = False

    @property
    def closed(self) -> bool:
        """Whether nothing can be performed any more."""
        return self._epoll.closed

    async def perform(self, curl: pycurl.Curl) -> Error:
        """Return how a transfer ended once it is over. Cancelled, it is ended at once."""
        loop = self._loop or self._begin()
        ended: asyncio.Future[Error] = loop.create_future()
        self._multi.add_handle(curl)
        self._going[curl] = ended
        if not self._beginning:
            self._beginning = True
            loop.call_soon(self._start, loop)
        try:
            return await ended
        finally:
            if self._going.pop(curl, None):  # it was cancelled
                self._multi.remove_handle(curl)

    def close(self) -> None:
        """Cancel whoever waits, and free everything."""
        if self.closed:
            return
        for curl, ended in self._going.items():
            self._multi.remove_handle(curl)
            ended.cancel()
        self._going.clear()
        if self._timer:
            self._timer.cancel()
        if self._loop:
            self._loop.remove_reader(self._epoll.fileno())
        self._multi.close()
        self._epoll.close()

    def _begin(self) -> asyncio.AbstractEventLoop:
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._epoll.fileno(), self._ready, self._loop)
        return self._loop

    # --- what libcurl wants: within this it may not be called -----------------------------------

    def _watch(self, what: int, fd: int, _multi: pycurl.CurlMulti, _state: object) -> None:
        if what == pycurl.POLL_REMOVE:
            if fd in self._watched:
                self._watched.discard(fd)
                self._epoll.unregister(fd)
        elif fd in self._watched:
            self._epoll.modify(fd, _WANTED[what])
        else:
            self._watched.add(fd)
            self._epoll.register(fd, _WANTED[what])

    # --- what happened --------------------------------------------------------------------------

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin what was added meanwhile, all at once."""
        self._beginning = False
        if not self.closed:
            self._act_on_time(loop)

    def _timed_out(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer, self._timer_at = None, NEVER
        self._act_on_time(loop)

    def _act_on_time(self, loop: asyncio.AbstractEventLoop) -> None:
        self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        self._settle()
        self._wait(loop)

    def _ready(self, loop: asyncio.AbstractEventLoop) -> None:
        act = self._multi.socket_action
        for fd, events in self._epoll.poll(0, _BATCH):
            # An error or a hang-up is found by whoever reads or writes.
            readable = pycurl.CSELECT_IN if events & ~select.EPOLLOUT else 0
            writable = pycurl.CSELECT_OUT if events & ~select.EPOLLIN else 0
            act(fd, readable | writable)
        self._settle()
        self._wait(loop)

    def _wait(self, loop: asyncio.AbstractEventLoop) -> None:
        """Set the timer. One that goes off too early costs less than one that is always moved."""
        timeout_ms = self._multi.timeout()
        if timeout_ms < 0:
            return
        now = self._clock.monotonic()
        due_at = now + timeout_ms / 1000
        if due_at >= self._timer_at:
            return
        if self._timer:
            self._timer.cancel()
        self._timer_at = due_at
        self._timer = loop.call_later(due_at - now, self._timed_out, loop)

    def _settle(self) -> None:
        _, good, bad = self._multi.info_read()
        for curl in good:
            self._end(curl, None)
        for curl, code, detail in bad:
            self._end(curl, (code, detail))

    def _end(self, curl: pycurl.Curl, error: Error) -> None:
        ended = self._going.pop(curl)
        self._multi.remove_handle(curl)
        if not ended.done():  # else it was cancelled a moment ago
            ended.set_result(error)
