"""Any other service by Apprise, an optional extra, where the instance's admin allows it.

Apprise opens its own sockets. The host in its address is judged by the rules of egress first, and
redirects are off, but nobody looks at what it connects to then, which is why it has to be allowed.
"""

import asyncio
import warnings
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from importlib.util import find_spec
from threading import Lock
from typing import Any, ClassVar
from urllib.parse import urlsplit

from dogwatch.clock import Clock, SystemClock
from dogwatch.core.alerts import Attempt, Event, Verdict
from dogwatch.core.message import Message, subject, text
from dogwatch.egress import Egress, EgressError
from dogwatch.notify.channel import TIMEOUT_S, Settings, detail
from dogwatch.notify.fields import LONGEST_URL, Field, judged
from dogwatch.notify.http_channel import without_secrets
from dogwatch.notify.markdown import parted

# These speak to the machine itself, not to a service.
_LOCAL = frozenset(
    {
        "blink1",
        "blink1s",
        "dbus",
        "gio",
        "glib",
        "gnome",
        "kde",
        "macosx",
        "qt",
        "syslog",
        "windows",
    }
)
_CONNECT_S = 4.0
_TYPES = {Event.DOWN: "failure", Event.RECOVERED: "success", Event.TEST: "info", Event.NOTE: "info"}


def _fault(value: object) -> str | None:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_URL or not value.isprintable():
        return f"give an Apprise address of at most {LONGEST_URL} characters"
    scheme, mark, rest = value.partition("://")
    if not mark or not rest or not scheme.isalnum():
        return "give an Apprise address, scheme://…"
    if scheme.lower() in _LOCAL:
        return f"{scheme.lower()}:// speaks to the server's own machine"
    return (
        None if find_spec("apprise") else "install Apprise first: pip install 'dogwatch[apprise]'"
    )


@dataclass(frozen=True, slots=True)
class AppriseChannel:
    """Settings: `url`, sealed. The courier adds the instance's `apprise_on`.

    Sending blocks, so it has threads of its own; a service that hangs fills these alone.
    """

    kind: ClassVar[str] = "apprise"
    label: ClassVar[str] = "Apprise"
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            "url",
            "The service's Apprise address: see appriseit.com/services.",
            _fault,
            "gotifys://gotify.example.org/xxxx",
            secret=True,
            address=True,
        ),
    )
    clock: Clock = field(default_factory=SystemClock)
    timeout_s: float = TIMEOUT_S
    threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(8, thread_name_prefix="apprise")
    )

    def check(self, settings: Mapping[str, object]) -> Settings:
        """Return a user's settings split and completed, or raise a Problem of all bad fields."""
        return judged(self.fields, settings)

    async def send(
        self, egress: Egress, settings: Mapping[str, object], message: Message, at: datetime
    ) -> Attempt:
        """Try once; Apprise says only whether it worked, so all trouble is tried again."""
        del at
        started = self.clock.monotonic()
        verdict, words = await self._sent(egress, settings, message)
        told = detail(f"Apprise said: {without_secrets(words, [str(settings['url'])])}")
        return Attempt(verdict, None, told, round((self.clock.monotonic() - started) * 1000))

    async def _sent(
        self, egress: Egress, settings: Mapping[str, object], message: Message
    ) -> tuple[Verdict, str]:
        if not settings.get("apprise_on"):
            return Verdict.FAILED, "the instance's admin does not allow it (DOGWATCH_APPRISE)"
        url = str(settings["url"])
        try:
            async with asyncio.timeout(self.timeout_s):
                await _judge(egress, url)
                work = self.threads.submit(_notify, url, message, self.timeout_s)
                return await asyncio.wrap_future(work)
        except TimeoutError:
            return Verdict.RETRY, f"no answer within {self.timeout_s:g} s"
        except EgressError as error:
            return Verdict.FAILED, str(error)


async def _judge(egress: Egress, url: str) -> None:
    """Raise EgressError blocked for a forbidden host; what resolves to nothing is no host."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
    except ValueError:
        return
    try:
        if host:
            await egress.check_address(host, port)
    except EgressError as error:
        if error.kind == "blocked":
            raise


def _notify(url: str, message: Message, timeout_s: float) -> tuple[Verdict, str]:
    """Send, in a thread; what Apprise logs are its words."""
    loaded = _loaded()
    asset = loaded.AppriseAsset(async_mode=False, http_redirects=False, app_id="Dogwatch")
    service = loaded.Apprise.instantiate(url, asset=asset)
    if service is None:
        return Verdict.FAILED, "this address is of no service that it knows, or is not complete"
    # An address can ask for both; we decide.
    service.redirects = False
    service.socket_connect_timeout = service.socket_read_timeout = _CONNECT_S
    several = loaded.Apprise(asset=asset)
    several.add(service)
    result = several.notify(
        title=_parted(subject(message)),
        body=_parted(text(message).partition("\n\n")[2]),
        notify_type=_TYPES.get(message.event, "warning"),
        body_format="text",
        interpret_escapes=False,
        timeout=timeout_s,
    )
    logs = "; ".join(entry.message for entry in result.logs())
    return (Verdict.SENT, "sent") if result else (Verdict.RETRY, logs or "it did not work")


_loading = Lock()


def _loaded() -> Any:
    """Load Apprise on first use: it is optional, and reads more than a hundred modules."""
    with _loading, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its modules' own, about their own imports
        import apprise

        apprise.Apprise.instantiate("json://localhost")  # loads all services
    return apprise


def _parted(value: str) -> str:
    """Part what services behind Apprise would read as mentions and links."""
    return parted(value).replace("<", "<\u2060").replace("[", "[\u2060")
