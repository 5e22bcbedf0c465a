"""What the doors are handed by whoever assembles the process."""

import asyncio
import shutil
import sys
from collections.abc import Awaitable, Callable, Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from dogwatch.clock import Clock
from dogwatch.core.dialects import DIALECTS
from dogwatch.core.isolation import Level
from dogwatch.core.ping import Answer, Heard
from dogwatch.core.script_action import ScriptAction
from dogwatch.oidc import Provider
from dogwatch.passwords import Passwords
from dogwatch.usecases.door import Door, Tx
from dogwatch.usecases.limiting import Limits
from dogwatch.vault import Vault
from dogwatch.web.origin import Network

Ready = Callable[[], Awaitable[Mapping[str, str]]]
Blocked = Callable[[str, bool], Awaitable[tuple[str, str] | None]]


async def _nothing(_host: str, _named: bool) -> None:
    """Block nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """`record_pings` answers each ping of a batch, in order, after the commit.

    `ready` returns the state of each part, `ok` or what is wrong; without it the database and
    the engine's beat are asked. `probe_spool` shows that pings are kept while the database is
    away, or raises; there is none where nothing keeps them. Without `limits` nobody is limited.
    `stopping` is set once the server
    shuts down: streams end then. `admit_script` raises a Problem for a script that nothing here
    can run; `isolation` is how far they are kept apart, and `isolation_why` why no further;
    `scripts_as_root` where they have its rights.
    `on_set_up` is called once the first person is made. `oidc` is the provider that people
    may sign in by, `oidc_new_people` the e-mail domains whose people are made when they first do.
    `trusted_user_header` names who is signed in, on requests of trusted proxies. `dialect_hosts`
    are the dialects that have a host name of their own; `allow_private_targets` the networks that
    may be connected to though they are private, and `blocked` tells of a host, as a literal or
    looked up as a name as well, an address that may not, and why. `copy` yields a backup of
    everything, line by line, without the key that opens what is sealed; who holds `copying` may
    read for minutes, so that all others keep readers; `disk` tells the bytes of the data
    directory's disk: all, used, free. `outside_heartbeat` is the masked address that is
    told every minute that Dogwatch is well.
    """

    door: Door
    clock: Clock
    vault: Vault
    base_url: str
    record_pings: Callable[[Sequence[Heard]], Awaitable[Sequence[Answer]]]
    stopping: asyncio.Event
    dialect: Literal["sqlite", "postgresql"] = "sqlite"
    scripts_on: bool = False
    isolation: Level = "trusted"
    isolation_why: str = ""
    scripts_as_root: bool = False
    mail_on: bool = True
    hosted: bool = False
    apprise_on: bool = False
    platform: str = sys.platform
    trusted_proxies: Sequence[Network] = ()
    ping_body_limit_bytes: int = 10_000
    limits: Limits | None = None
    ready: Ready | None = None
    probe_spool: Callable[[], None] | None = None
    admit_script: Callable[[ScriptAction], object] = lambda _: None
    passwords: Passwords = field(default_factory=Passwords)
    on_set_up: Callable[[], None] = lambda: None
    trusted_user_header: str | None = None
    oidc: Provider | None = None
    oidc_new_people: Collection[str] = ()
    dialect_hosts: Mapping[str, str] = field(default_factory=dict)
    allow_private_targets: Sequence[Network] = ()
    blocked: Blocked = _nothing
    copy: Callable[[Tx], Generator[str, None, None]] | None = None
    copying: asyncio.Lock = field(default_factory=asyncio.Lock)
    outside_heartbeat: str | None = None
    disk: Callable[[], tuple[int, int, int]] = lambda: shutil.disk_usage("/")

    def origin_of(self, dialect: str) -> str:
        """Return the address at which a dialect answers, as links shall name it."""
        base = self.base_url.rstrip("/")
        if host := self.dialect_hosts.get(dialect):
            return f"{base.partition('://')[0]}://{host}"
        return f"{base}/{DIALECTS[dialect].mount}"
