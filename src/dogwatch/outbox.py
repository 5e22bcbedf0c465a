"""The outbox: pings that the command line could not send, one file each, until they are.

The command line sends them with the next ping; the server whose data directory holds them takes
them from there itself.
"""

import fcntl
import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from dogwatch.ids import new_token

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_KEY = re.compile(r"(?=.*[A-Z])[0-9A-Za-z]{14,}")
_LATEST_S = 1e11


def is_url(to: str) -> bool:
    """Say whether a ping goes to an address."""
    return to.startswith(("http://", "https://"))


def is_address(to: str) -> bool:
    """Say whether a ping goes to an address or a ping key, not to a slug."""
    return bool(is_url(to) or _UUID.fullmatch(to) or _KEY.fullmatch(to))


def _is_server(url: str) -> bool:
    parts = urlsplit(url)
    return bool(is_url(url) and parts.hostname and parts.port != 0)  # the port: or ValueError


@dataclass(frozen=True, slots=True)
class Ping:
    """One signal. `to` is a slug, a ping key or a ping URL; `signal` is "", start, fail, log or an
    exit status; `at_s` is Unix time. `create` makes the watch first when it has settings.
    """

    server: str
    to: str
    signal: str
    at_s: float
    rid: str | None = None
    body: str = ""
    create: Mapping[str, Any] | None = None

    @property
    def origin(self) -> str:
        """Return what pings must share to be kept in order."""
        return "/".join(self.to.split("/")[:3]) if is_url(self.to) else self.server

    @property
    def text(self) -> str:
        """Return the ping as it is kept."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the ping of a text, or raise ValueError where it is none."""
        try:
            ping = cls(**json.loads(text))
        except (TypeError, RecursionError):
            raise ValueError("no ping") from None
        if not ping._whole():
            raise ValueError("no ping")
        return ping

    def _whole(self) -> bool:
        texts = (self.server, self.to, self.signal, self.body, self.rid or "")
        return (
            all(isinstance(text, str) for text in texts)
            and isinstance(self.at_s, int | float)
            and math.isfinite(self.at_s)
            and 0 <= self.at_s < _LATEST_S
            and isinstance(self.create, Mapping | None)
            and _is_server(self.origin)
        )


@dataclass(frozen=True, slots=True)
class Outbox:
    """Directories that hold one file per ping; the first that can be written takes new ones.

    File names begin with the ping's time in microseconds, so that names sort oldest first.
    """

    roots: tuple[Path, ...]

    def put(self, ping: Ping) -> Path:
        """Keep a ping durably: written aside, synced, renamed, and the directory synced."""
        name = f"{int(ping.at_s * 1e6):017d}-{new_token(40)}.json"
        failure: OSError | None = None
        for root in self.roots:
            try:
                root.mkdir(parents=True, exist_ok=True, mode=0o700)
                return _write(root / name, ping.text)
            except OSError as error:
                failure = error
        raise failure or FileNotFoundError("no directory for the outbox")

    def waiting(self) -> list[Path]:
        """Return the files of the kept pings, oldest first."""
        found = [path for root in self.roots for path in root.glob("*.json")]
        return sorted(found, key=lambda path: path.name)

    def kept(self) -> Iterator[tuple[Path, Ping]]:
        """Yield the kept pings, oldest first; what is none is set aside as `.broken`."""
        for path in self.waiting():
            try:
                yield path, Ping.read(path.read_text(encoding="utf-8"))
            except ValueError:
                path.rename(path.with_suffix(".broken"))
            except OSError:
                continue  # just sent by another process, or not ours to read

    @contextmanager
    def alone(self, *, wait: bool = True) -> Iterator[bool]:
        """Send alone, once nobody else does; False where somebody does and we don't wait."""
        locks = [os.open(root, os.O_RDONLY) for root in self.roots if root.is_dir()]
        try:
            yield all(_locked(lock, wait=wait) for lock in locks)
        finally:
            for lock in locks:
                os.close(lock)


def _locked(lock: int, *, wait: bool) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


def _write(path: Path, text: str) -> Path:
    aside = path.with_suffix(".new")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.rename(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return path
