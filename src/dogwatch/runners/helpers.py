"""The helpers of one run: its script calls, and is answered by its desk.

Files in the run's own directory put them into place, by `clients/`. A question is a line with the
lengths of its fields in bytes, then the fields: token, operation, arguments. An answer is a line
with its kind (text, json, none, error) and its length, then the body. All text is UTF-8.

Both go over a Unix socket, or over a lane, a pair of FIFOs, from those that cannot open one (Bash),
or cannot wait for one (Node). They take the letter of a free lane from the FIFO `free`, open
LETTER.ask and LETTER.say, and write the letter to the FIFO `bell`; once they have hung up, the
letter is free again. There is one lane, until it is not enough. Nothing of this writes to the
directory, so a sandbox has it read-only.

Who is killed before it rings takes its letter along. Who waits in vain for a free lane rings `!`:
then those that nobody has open are torn down, and new ones made under other letters, a few per turn
of the loop. A script that rings without sense loses its helpers.
"""

import asyncio
import fcntl
import hmac
import os
import re
import socket
import stat
import struct
import termios
from asyncio import StreamReader, StreamReaderProtocol, StreamWriter, WriteTransport
from collections.abc import (
    AsyncIterator,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from functools import cache, partial
from importlib.resources import files
from itertools import accumulate, cycle, islice, pairwise, product
from pathlib import Path
from string import ascii_letters, digits
from typing import IO, Any, Protocol

import structlog

from dogwatch.core.helper import VOID, Reply
from dogwatch.core.problems import Problem
from dogwatch.core.script_action import Language
from dogwatch.core.variable import DATA_BYTES
from dogwatch.runners.bell import Bell

MOST_FIELDS = 8
MOST_BYTES = DATA_BYTES + 1024
MOST_CONNECTIONS = 64
MOST_WAITING = 256
PLACE = "DOGWATCH_HELPERS"
LANES = 48  # fewer than the letters, so that there are some to replace lost ones by
LETTERS = ascii_letters + digits
LANES_PER_TURN = 4  # to replace, which takes some system calls each
STALL_S = 10.0
BUFFER_BYTES = 16 * 1024
_LENGTHS = re.compile(rb"\d{1,9}(?: \d{1,9})*\n")
_IMPORTED = "import builtins, sys\nsys.modules[__name__] = getattr(builtins, __name__)\n"
_TIRED = "dogwatch: the run has no helpers any more: it rang for them too often without a question"
_REQUIRED = 'module.exports = require("./helpers.js");\n'
_HELPERS = (
    "input", "output", "event", "getVariable", "setVariable", "getCondition", "setCondition",
)  # fmt: skip
_FILES: Mapping[str, Mapping[str, str]] = {
    "bash": {"helpers.sh": ""},
    "python": {"sitecustomize.py": "", "cronium.py": _IMPORTED, "dogwatch.py": _IMPORTED},
    "node": {"helpers.js": "", "cronium.js": _REQUIRED, "dogwatch.js": _REQUIRED},
}

_log = structlog.get_logger("dogwatch.helpers")


class Desk(Protocol):
    """Who answers; `ask` raises a Problem that says why not."""

    token: str

    async def ask(self, operation: str, args: Sequence[str]) -> Reply:
        """Answer one question."""
        ...


@asynccontextmanager
async def served(
    place: Path,
    language: Language,
    desk: Desk,
    tell: Callable[[str], None],
    *,
    seen_at: Path | None = None,
    owner: int | None = None,
) -> AsyncIterator[Mapping[str, str]]:
    """Serve the helpers of a run at `place` inside the block; yields what its script is told.

    A sandboxed script sees the place at `seen_at`, and `owner` is the user that it runs as, if
    another. `tell` is given the reason why it has no helpers any more. OSError if that cannot be.
    """
    _write(place, language)
    server = _Server(place, desk, tell, owner)
    try:
        await server.open()
        if owner is not None:
            _give(place, owner)
        yield _environ(seen_at or place, language, desk)
    finally:
        await server.close()
        _clear(place, [*_FILES[language], *server.names()])


def _write(place: Path, language: Language) -> None:
    place.mkdir(mode=0o700)
    for name, text in _FILES[language].items():
        (place / name).write_text(text or _client(name), "utf-8")
    for name in ("bell", "free"):
        os.mkfifo(place / name, 0o600)


def _clear(place: Path, names: Iterable[str]) -> None:
    """Delete what was made here, and with it the place, unless a script has put something there."""
    with suppress(OSError):
        for name in names:
            (place / name).unlink()
        place.rmdir()


@cache
def _client(name: str) -> str:
    text = files("dogwatch.runners.clients").joinpath(name).read_text("utf-8")
    return text + _functions() if name == "helpers.sh" else text


def _functions() -> str:
    """Return the helpers of Bash; to define them by a loop would take each script a millisecond."""
    names = {
        f"{prefix}{joint}{spelling}": name
        for name, prefix, joint in product(_HELPERS, ("cronium", "dogwatch"), "._")
        for spelling in (name, re.sub("[A-Z]", lambda it: f"_{it[0].lower()}", name))
    }
    return "".join(f'{it}() {{ _dogwatch_call {name} "$@"; }}\n' for it, name in names.items())


def _ends(letter: str) -> tuple[str, str]:
    return f"{letter}.ask", f"{letter}.say"


def _give(place: Path, owner: int) -> None:
    """Let another user have the place, and get there."""
    place.parent.chmod(0o711)
    for path in (*place.iterdir(), place):
        os.chown(path, owner, owner)


def _environ(place: Path, language: Language, desk: Desk) -> dict[str, str]:
    own = {
        "bash": {"BASH_ENV": str(place / "helpers.sh")},
        "python": {"PYTHONPATH": str(place)},
        "node": {"NODE_OPTIONS": f'--require="{place}/helpers.js"', "NODE_PATH": str(place)},
    }
    return {PLACE: str(place), "DOGWATCH_TOKEN": desk.token, **own[language]}


class _Server:
    """Hears the socket and the bell, and answers a bounded number of callers at once."""

    def __init__(
        self, place: Path, desk: Desk, tell: Callable[[str], None], owner: int | None
    ) -> None:
        self._place = place
        self._desk = desk
        self._tell = tell
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._directory = self._rings = self._free = -1
        self._bell: Bell | None = None
        self._server: asyncio.Server | None = None
        self._calls: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(MOST_CONNECTIONS)
        self._reading = asyncio.Lock()
        self._lanes: dict[str, bool] = {}  # whether somebody has rung there
        self._doubted: dict[str, None] = {}  # lanes that may be lost
        self._letters = cycle(LETTERS)

    async def open(self) -> None:
        """Begin to hear."""
        self._directory = os.open(self._place, os.O_RDONLY | os.O_DIRECTORY)
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            bound.bind(f"/proc/self/fd/{self._directory}/socket")
            self._server = await asyncio.start_unix_server(
                self._connected, sock=bound, limit=BUFFER_BYTES
            )
        except BaseException:
            bound.close()
            raise
        # Open for both, so that they have no end while nobody else has them open.
        self._rings = os.open("bell", os.O_RDWR | os.O_NONBLOCK, dir_fd=self._directory)
        self._free = os.open("free", os.O_RDWR | os.O_NONBLOCK, dir_fd=self._directory)
        self._add()
        self._bell = Bell(
            self._loop, self._rings, rung=self._rung, lost=self._renew, enough=self._give_up
        )
        self._bell.hear()

    async def close(self) -> None:
        """Hang up on everybody."""
        if self._bell:
            self._bell.close()
        for fd in (self._rings, self._free):
            if fd >= 0:
                os.close(fd)
        self._rings = self._free = -1
        self._hang_up()
        while self._calls:
            await asyncio.wait(self._calls)
        if self._directory >= 0:
            os.close(self._directory)

    def names(self) -> Iterator[str]:
        """Yield what it has made at its place."""
        yield from ("socket", "bell", "free")
        for letter in self._lanes:
            yield from _ends(letter)

    def _hang_up(self) -> None:
        self._doubted.clear()
        if self._server:
            self._server.close()
        for call in self._calls:
            call.cancel()

    def _give_up(self) -> None:
        """Answer this run no more, and say so; what it calls from now on fails at once."""
        self._hang_up()
        for name in ("socket", "bell", "free"):
            with suppress(OSError):  # a script may have done anything to them
                os.unlink(name, dir_fd=self._directory)
        self._tell(_TIRED)

    # --- how they come ----------------------------------------------------------------------

    async def _connected(self, reader: StreamReader, writer: StreamWriter) -> None:
        if len(self._calls) >= MOST_WAITING:
            writer.transport.abort()
            return
        call = self._take(self._conversation(reader, writer))
        # Not by the call itself: one that is cancelled at once does not even begin.
        call.add_done_callback(lambda _: writer.transport.abort())

    def _take(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        call = self._loop.create_task(work)
        self._calls.add(call)
        call.add_done_callback(self._over)
        return call

    def _over(self, call: asyncio.Task[None]) -> None:
        self._calls.discard(call)
        if not call.cancelled() and (error := call.exception()):
            _log.error("helper failed", error=type(error).__name__)

    def _rung(self, letter: str) -> bool:
        """Answer at a lane that is rung for, if it is one where nobody has rung."""
        known = self._lanes.get(letter) is False
        if known:
            self._lanes[letter] = True
            self._doubted.pop(letter, None)
            self._take(self._rang(letter)).add_done_callback(partial(self._left, letter))
        if len(self._lanes) < LANES and not _waiting_bytes(self._free):
            with suppress(OSError):
                self._add()
        return known

    def _left(self, letter: str, _call: object) -> None:
        """Let others have a lane, after the files of its transports are closed, which is later."""
        self._loop.call_soon(self._give_back, letter)

    def _give_back(self, letter: str) -> None:
        if self._free >= 0:
            self._lanes[letter] = False
            self._doubted.pop(letter, None)
            with suppress(BlockingIOError):
                os.write(self._free, letter.encode())

    def _renew(self) -> None:
        """Replace the lanes that were taken and that nobody has open, where none is free."""
        if not _waiting_bytes(self._free):
            self._doubted = {letter: None for letter, rung in self._lanes.items() if not rung}
            self._replace_some()

    def _replace_some(self) -> None:
        for letter in list(islice(self._doubted, LANES_PER_TURN)):
            del self._doubted[letter]
            with suppress(OSError):
                self._replace(letter)
        if self._doubted:
            self._loop.call_soon(self._replace_some)

    def _replace(self, letter: str) -> None:
        """Hide a lane, so that it is opened no more, and see whether it is open."""
        for end in _ends(letter):
            self._rename(end, f"{end}.hidden")
        with self._fifo(f"{_ends(letter)[0]}.hidden", os.O_RDONLY) as ask:
            is_open = ask.read(1) is None  # else its end is read
        for end in _ends(letter):
            if is_open:
                self._rename(f"{end}.hidden", end)
            else:
                os.unlink(f"{end}.hidden", dir_fd=self._directory)
        if not is_open:
            del self._lanes[letter]
            self._add()

    def _rename(self, name: str, new: str) -> None:
        os.rename(name, new, src_dir_fd=self._directory, dst_dir_fd=self._directory)

    def _add(self) -> None:
        """Make a lane; OSError if a script has taken its place."""
        letter = next(one for one in self._letters if one not in self._lanes)
        for end in _ends(letter):
            os.mkfifo(end, 0o600, dir_fd=self._directory)
            if self._owner is not None:
                os.chown(end, self._owner, self._owner, dir_fd=self._directory)
        self._give_back(letter)

    async def _rang(self, letter: str) -> None:
        """Open the FIFOs of a caller, who is waiting at them."""
        async with self._turns:
            # A transport closes its file itself, later: nobody else may, or the loop breaks.
            with self._at_fault(), ExitStack() as opened, ExitStack() as unowned:
                ask = unowned.enter_context(self._fifo(_ends(letter)[0], os.O_RDONLY))
                say = unowned.enter_context(self._fifo(_ends(letter)[1], os.O_WRONLY))
                unowned.pop_all()
                reader = StreamReader(BUFFER_BYTES)
                heard, _ = await self._loop.connect_read_pipe(
                    lambda: StreamReaderProtocol(reader), ask
                )
                opened.callback(heard.close)
                told, protocol = await self._loop.connect_write_pipe(
                    lambda: StreamReaderProtocol(StreamReader()), say
                )
                opened.callback(_hang_up, told)
                writer = StreamWriter(told, protocol, None, self._loop)
                await self._talk(reader, writer)

    @contextmanager
    def _at_fault(self) -> Iterator[None]:
        """Count a ring where there is nobody, or no lane."""
        try:
            yield
        except OSError:
            if self._bell:
                self._bell.senseless()

    def _fifo(self, name: str, mode: int) -> IO[bytes]:
        """Open one end of a lane; OSError if a script has put something else there."""
        flags = mode | os.O_NONBLOCK | os.O_NOFOLLOW
        fd = os.open(name, flags, dir_fd=self._directory)
        if not stat.S_ISFIFO(os.fstat(fd).st_mode):
            os.close(fd)
            raise OSError(name)
        return os.fdopen(fd, "rb" if mode == os.O_RDONLY else "wb", buffering=0)

    # --- what is said -----------------------------------------------------------------------

    async def _conversation(self, reader: StreamReader, writer: StreamWriter) -> None:
        async with self._turns:
            await self._talk(reader, writer)

    async def _talk(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Answer until the caller hangs up, or says what cannot be understood."""
        writer.transport.set_write_buffer_limits(high=0)  # what is drained is told
        with suppress(ConnectionError, EOFError, TimeoutError, ValueError):
            while _LENGTHS.fullmatch(head := await reader.readline()):
                lengths = [int(length) for length in head.split()]
                writer.write(await self._answer(reader, lengths))
                await writer.drain()

    async def _answer(self, reader: StreamReader, lengths: Sequence[int]) -> bytes:
        try:
            reply = await self._desk.ask(*await self._question(reader, lengths))
            return _told(reply.kind, reply.body)
        except Problem as problem:
            return _told("error", problem.message)
        except (ConnectionError, EOFError, TimeoutError):
            raise
        except Exception as error:
            _log.error("helper failed", error=type(error).__name__, exc_info=True)
            return _told("error", "internal error; the server's log says more")

    async def _question(
        self, reader: StreamReader, lengths: Sequence[int]
    ) -> tuple[str, Sequence[str]]:
        """Read a question, one of the run at a time, and check the token."""
        whole = sum(lengths)
        if whole > MOST_BYTES or not 2 <= len(lengths) <= MOST_FIELDS:
            await _skip(reader, whole)
            raise Problem("invalid", f"at most {DATA_BYTES} bytes")
        async with self._reading, asyncio.timeout(STALL_S):
            said = await reader.readexactly(whole)
        ends = list(accumulate(lengths))
        token, *fields = (said[a:b] for a, b in pairwise([0, *ends]))
        if not hmac.compare_digest(token, self._desk.token.encode()):
            raise Problem("refused", VOID)
        try:
            operation, *args = (field.decode() for field in fields)
        except UnicodeDecodeError:
            raise Problem("invalid", "must be text in UTF-8") from None
        return operation, args


def _hang_up(told: WriteTransport) -> None:
    if not told.is_closing():  # a second time would break the loop
        told.abort()


async def _skip(reader: StreamReader, count: int) -> None:
    """Read what is too much: a caller hears the answer only once it has said all."""
    while count:
        async with asyncio.timeout(STALL_S):
            piece = await reader.read(min(count, BUFFER_BYTES))
        if not piece:
            raise EOFError
        count -= len(piece)


def _told(kind: str, body: str) -> bytes:
    text = body.encode(errors="replace")
    return b"%s %d\n%s" % (kind.encode(), len(text), text)


def _waiting_bytes(fifo: int) -> int:
    """Return how much can be read, pipe(7)."""
    found: tuple[int] = struct.unpack("i", fcntl.ioctl(fifo, termios.FIONREAD, bytes(4)))
    return found[0]
