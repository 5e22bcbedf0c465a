"""The pages over a real store of each kind, with browsers that keep cookies."""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from html import unescape
from http.cookies import SimpleCookie
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode

import pytest

from dogwatch.core.ping import Answer as PingAnswer
from dogwatch.core.ping import Heard
from dogwatch.core.policy import Role
from dogwatch.core.spec import WatchSpec
from dogwatch.store.database import Database
from dogwatch.store.tx import Tx
from dogwatch.usecases import members, people, pings, setup, watches, workspaces
from dogwatch.usecases.lists import Record
from dogwatch.vault import Vault
from dogwatch.web.app import Services, build
from tests.harness.clock import ManualClock
from tests.harness.house import heard
from tests.web.asgi_client import Answer, Client

T = TypeVar("T")

ORIGIN = "http://dogwatch.test"
PASSWORD = "four kinds of tea"


async def _no_pings(batch: Sequence[Heard]) -> Sequence[PingAnswer]:
    return [PingAnswer.UNKNOWN for _ in batch]


@dataclass
class Browser:
    """Keeps cookies, names its origin and fills in forms, as browsers do."""

    client: Client
    origin: str | None = ORIGIN
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    set_cookie: str = ""

    def get(self, path: str, **query: str) -> Answer:
        return self._kept(self.client("GET", path, query=query, headers=self.sent()))

    def post(self, path: str, **fields: str) -> Answer:
        """Send a form as it is, without the page that it is on."""
        return self._kept(self.client("POST", path, _encoded(fields), **self._options()))

    async def posted(self, path: str, **fields: str) -> Answer:
        """Send a form beside others."""
        return await self.client.send("POST", path, _encoded(fields), **self._options())

    def fill(self, page: str, path: str, **fields: str) -> Answer:
        """Load a page and send its form that goes to `path`, with what stands hidden in it."""
        page, _, query = page.partition("?")
        hidden = hidden_in(self.get(page, **dict(parse_qsl(query))).text, path)
        return self.post(path, **hidden | fields)

    def _options(self) -> dict[str, Any]:
        given = {"content-type": "application/x-www-form-urlencoded"}
        if self.origin is not None:
            given["origin"] = self.origin
        return {"headers": self.sent() | given}

    def sent(self) -> dict[str, str]:
        """Return the headers of a request."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {"host": "dogwatch.test", "user-agent": "Firefox"} | self.headers
        return sent | ({"cookie": cookies} if cookies else {})

    def _kept(self, answer: Answer) -> Answer:
        self.set_cookie = next(iter(answer.cookies), "")
        for line in answer.cookies:
            for name, morsel in SimpleCookie(line).items():
                self.cookies.pop(name, None)
                if morsel.value:
                    self.cookies[name] = morsel.value
        return answer


def _encoded(fields: dict[str, str]) -> bytes:
    return urlencode(fields).encode()


def form_in(html: str, path: str) -> str:
    """Return what stands in the form that goes to `path`."""
    begin = r'<form (?:class="\w+" )?method="post" action="[./]*([^"]*)">'
    forms: list[tuple[str, str]] = re.findall(rf"{begin}(.*?)</form>", html, re.S)
    return next(inside for action, inside in forms if f"/{action}" == path)


def hidden_in(html: str, path: str) -> dict[str, str]:
    """Return the hidden fields of the form that goes to `path`."""
    found = re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', form_in(html, path))
    return {name: unescape(value) for name, value in found}


def standing_in(html: str, path: str) -> dict[str, str]:
    """Return all that the form that goes to `path` sends if nobody touches it."""
    inside = form_in(html, path)
    ticked = re.findall(r'name="([^"]*)" type="checkbox" value="([^"]*)" checked', inside)
    written = re.findall(r'name="([^"]*)" type="(?:text|password)" value="([^"]*)"', inside)
    areas = re.findall(r'<textarea id="[^"]*" name="([^"]*)"[^>]*>(.*?)</textarea>', inside, re.S)
    choices = re.findall(r'<select id="[^"]*" name="([^"]*)"(.*?)</select>', inside, re.S)
    chosen = [
        (name, value)
        for name, options in choices
        for value in re.findall(r'value="([^"]*)" selected', options)
    ]
    found = {name: unescape(value) for name, value in ticked + written + areas + chosen}
    return hidden_in(html, path) | found


@dataclass(frozen=True)
class House:
    """An instance that nobody has set up yet."""

    database: Database
    clock: ManualClock
    services: Services

    def write(self, fn: Callable[[Tx], T]) -> T:
        return self.database.write(fn).result(30)

    def browser(self, **changes: Any) -> Browser:
        """Return a new browser; `changes` are other services."""
        return Browser(Client(build(replace(self.services, **changes))))

    def code(self) -> str:
        """Return a new set-up code."""
        vault, at = self.services.vault, self.clock.now()
        code = self.write(lambda tx: setup.offer(tx, vault, at))
        assert code
        return code

    def ana(self, **changes: Any) -> Browser:
        """Set up the instance and return the browser of who did."""
        browser = self.browser(**changes)
        code = self.code()
        made = browser.post(
            "/setup", code=code, name="Ana", email="ana@example.org", password=PASSWORD
        )
        assert made.status == 303, made.text
        return browser


@pytest.fixture
def house(database: Database, manual_clock: ManualClock) -> House:
    """An instance on a store of each kind."""
    return house_on(database, manual_clock)


def house_on(database: Database, manual_clock: ManualClock) -> House:
    """Return an instance on a store."""
    at = manual_clock.now()
    database.write(lambda tx: workspaces.first(tx, at)).result()
    services = Services(
        door=database,
        clock=manual_clock,
        vault=Vault(bytes(32)),
        base_url=ORIGIN,
        record_pings=_no_pings,
        stopping=asyncio.Event(),
        dialect=database.dialect,
    )
    return House(database, manual_clock, services)


def sign_in(browser: Browser, password: str = PASSWORD, **fields: str) -> Answer:
    """Sign in as Ana."""
    given = {"email": "ana@example.org", "password": password, "code": "", "next": ""} | fields
    return browser.post("/login", **given)


# --- what there is to see ---


def watch(house: House, name: str, *, tags: tuple[str, ...] = (), **spec: Any) -> Record:
    at = house.clock.now()
    given: dict[str, Any] = {"schedule": "every 10m", "start_by_s": 60, "tags": tags} | spec

    def made(tx: Any) -> Record:
        return watches.add(tx, workspaces.first(tx, at).id, WatchSpec(name=name, **given), at)

    return house.write(made)


def ping(house: House, record: Record, **facts: Any) -> None:
    at = house.clock.now()
    told = heard(record, 0, **facts)
    house.write(lambda tx: pings.record(tx, [replace(told, at=at)], at))


def pass_time(house: House, seconds: float) -> None:
    house.clock.advance(seconds)
    house.write(lambda tx: watches.lapse(tx, house.clock.now()))


def member(house: House, role: Role) -> Browser:
    """Return the browser of a second person, a member of the first workspace."""
    at, email = house.clock.now(), f"{role.name.lower()}@example.org"
    shown = asyncio.run(house.services.passwords.hash(PASSWORD))

    def made(tx: Tx) -> None:
        user = people.make(tx, email, role.name, shown, at)
        members.appoint(tx, workspaces.first(tx, at).id, user, at, role)

    house.write(made)
    browser = house.browser()
    assert sign_in(browser, email=email).status == 303
    return browser


@pytest.fixture
def ana(house: House) -> Browser:
    """The browser of who set the instance up."""
    return house.ana()


def words(page: str) -> str:
    """Return the text of a page, on one line."""
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())
