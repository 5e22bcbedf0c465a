"""The products whose APIs we speak: what their keys, ids and ping tokens look like.

The sources are the documents of each; where one says nothing, the length gives enough chance.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_letters, ascii_lowercase, digits

LOWER = ascii_lowercase + digits
BASE62 = ascii_letters + digits
URL_SAFE = BASE62 + "-_"

_WATCHES = ("read:watches", "write:watches")
_JOBS = ("read:jobs", "write:jobs", "run:jobs")
_VARIABLES = ("read:variables", "write:variables")
# "Read (view events, workflows, logs), Write (create/modify), Execute (trigger), Admin (all)".
CRONIUM = {
    "read": ("read:watches", "read:jobs", "read:variables"),
    "write": ("write:watches", "write:jobs", "write:variables"),
    "execute": ("run:jobs",),
    "admin": (*_WATCHES, *_JOBS, *_VARIABLES, "manage:alerts", "manage:keys"),
}
CRONPULSE = {"read:projects": ("read:watches",), "write:projects": ("write:watches",)}


@dataclass(frozen=True, slots=True)
class Form:
    """A fixed beginning, then `length` characters drawn from `letters`; of a `shape`, its x are."""

    letters: str
    length: int = 0
    prefix: str = ""
    shape: str = ""


# Version 4, variant 1 (RFC 9562): 120 bits of chance.
UUID = Form("0123456789abcdef", shape="xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx")


@dataclass(frozen=True, slots=True)
class Dialect:
    """One of them, mounted at `/{mount}`.

    `key` opens its API and may do `scopes` unless its maker says less, `item` is the id of a
    watch, `token` what it is pinged by; where both are one form, they are one text. `item_pings`:
    the id is a ping token, too. A product that has names of its own for what a key may do has them
    in `permissions`. `probe` is the id of a watch that we probe, where it has another form, and
    `pings` the path below the mount that pings begin with, "" where nothing is pinged.
    """

    name: str
    mount: str
    title: str
    key: Form
    scopes: tuple[str, ...]
    item: Form
    token: Form
    item_pings: bool = False
    permissions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    probe: Form | None = None
    pings: str = "/ping/"

    @property
    def numbers(self) -> bool:
        """Whether watches are known by whole numbers."""
        return self.item.letters == digits

    def scopes_of(self, names: Sequence[str]) -> Sequence[str]:
        """Return scopes, each of our own or those of a permission."""
        return [scope for name in names for scope in self.permissions.get(name, (name,))]

    def permissions_of(self, scopes: Collection[str]) -> Sequence[str]:
        """Return the permissions that scopes make up."""
        held = set(self.scopes) if "*" in scopes else set(scopes)
        return [name for name, parts in self.permissions.items() if held.issuperset(parts)]

    def word_for(self, scope: str) -> str | None:
        """Return the least permission that gives a scope; None without names of its own."""
        return next((name for name, parts in self.permissions.items() if scope in parts), None)


DIALECTS: Mapping[str, Dialect] = {
    one.name: one
    for one in (
        Dialect(
            "cronium", "cronium", "Cronium", Form(URL_SAFE, 32),
            (*_WATCHES, *_JOBS, *_VARIABLES, "manage:alerts", "manage:keys"),
            Form(digits, 9), Form(URL_SAFE, 16), permissions=CRONIUM, pings="",
        ),
        Dialect(
            "cronpulse", "cronpulse", "CronPulse", Form(BASE62, 40, "cpk_"), (*_WATCHES, *_JOBS),
            Form(LOWER, 23, "cl"), Form(LOWER, 9), item_pings=True,
            permissions=CRONPULSE, pings="/api/ping/",
        ),
        Dialect(
            "cronowl", "cronowl", "CronOwl", Form(URL_SAFE, 32, "sk_live_"),
            (*_WATCHES, *_JOBS, "manage:keys"), Form(BASE62, 20), Form(LOWER, 10),
            probe=Form(BASE62, 20, "mon_"), pings="/api/ping/",
        ),
        Dialect(
            "cronbeats", "cronbeats", "CronBeats", Form(BASE62, 40, "cb_"),
            (*_WATCHES, "manage:alerts"), Form(digits, 9), Form(BASE62, 8),
        ),
        Dialect(
            "cronmonitor", "cronmonitor", "CronMonitor", Form(BASE62, 40), _WATCHES,
            Form(LOWER, 12, "mon_"), Form(LOWER, 12),
        ),
        Dialect(
            "healthchecks", "hc", "Healthchecks", Form(URL_SAFE, 32),
            (*_WATCHES, "manage:alerts"), UUID, UUID,
        ),
    )
}  # fmt: skip
