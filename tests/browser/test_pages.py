"""The pages in a real browser, on a real server with the examples and with hostile words.

Each page is loaded once, and then looked at light and dark, wide and narrow.
"""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from tests.harness.served import Served

WIDE, NARROW = ViewportSize(width=1280, height=900), ViewportSize(width=390, height=844)
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
COLOURS: dict[str, Any] = {"runOnly": ["color-contrast"], "resultTypes": ["violations"]}
EVERYTHING: dict[str, Any] = {"resultTypes": ["violations"]}
PASSWORD = "four kinds of tea"

# Nothing of them may run or become markup, wherever it is shown.
PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "'><svg onload=alert(3)>",
    "</title><script>alert(4)</script>",
    "</textarea><script>alert(5)</script>",
    "javascript:alert(6)",
    "<iframe srcdoc='<script>alert(7)</script>'>",
    "\x1b[31m<b onmouseover=alert(8)>red</b>\x1b[0m",
    "{{7*7}}${7*7}#{7*7}<%= 7*7 %>",
    "<a href='javascript:alert(10)'>click</a>",
    "<style>*{display:none}</style>",
    "\u202e<math><mtext></form><form><mglyph><style></math><img src onerror=alert(12)>",
)
ALIEN = (
    "img:not(header img), iframe, object, embed, math, style, script:not([type=module]), "
    "[onerror], [onload], [onmouseover], [srcdoc], a[href^='javascript:']"
)


@dataclass
class Site:
    """A server, a browser with somebody signed in, and all that went wrong in it."""

    served: Served
    browser: Browser
    context: BrowserContext
    page: Page
    faults: list[str] = field(default_factory=list)

    def watched(self, page: Page) -> Page:
        """Note what a page complains of, whom it asks, and dialogs that it opens."""
        page.on("console", lambda told: self._note(told.type == "error", f"console: {told.text}"))
        page.on("pageerror", lambda error: self._note(True, f"error: {error}"))
        page.on("request", lambda asked: self._note(
            not asked.url.startswith(self.served.url), f"asks {asked.url}"
        ))  # fmt: skip
        page.on("dialog", self._dialog)
        return page

    def _note(self, wrong: bool, told: str) -> None:
        if wrong:
            self.faults.append(told)

    def _dialog(self, dialog: Any) -> None:
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def go(self, path: str) -> Page:
        """Load a page."""
        answer = self.page.goto(f"{self.served.url}{path}", wait_until="load")
        assert answer is not None
        assert answer.status == 200, (path, answer.status)
        return self.page

    def found(self, path: str, pattern: str) -> str:
        """Return where the first link of a page leads that is like a pattern."""
        links = self.go(path).eval_on_selector_all("a", "all => all.map(one => one.pathname)")
        return str(next(one for one in links if re.fullmatch(pattern, one)))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server with the examples, set up by its link, and a browser."""
    served = Served(tmp_path_factory.mktemp("pages") / "data", words=("--demo",)).start()
    program = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))
    )
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"]
            )
            context = browser.new_context(viewport=WIDE, color_scheme="light")
            site = Site(served, browser, context, context.new_page())
            site.watched(site.page)
            _set_up(site)
            _fill(served)
            yield site
            browser.close()
    finally:
        served.stop()


def _set_up(site: Site) -> None:
    link = re.search(r"set up (\S+)", site.served.log.read_text())
    assert link
    site.page.goto(f"{site.served.url}/setup?{link[1].partition('?')[2]}")
    site.page.fill("#email", "ana@example.org")
    site.page.fill("#name", "Ana")
    site.page.fill("#password", PASSWORD)
    site.page.click("main button")
    site.page.wait_for_url(f"{site.served.url}/")  # the examples are there


def _fill(served: Served) -> None:
    """Put hostile words wherever people, clients and programs can."""
    for number, text in enumerate(PAYLOADS):
        plain = "".join(one for one in text if one.isprintable())
        watch = served.post("/watches", {
            "name": plain, "slug": f"nasty-{number}", "schedule": "0 2 * * *",
            "description": plain, "tags": [plain[:40]],
        })  # fmt: skip
        agent = {"User-Agent": plain.encode("ascii", "ignore").decode()}
        for signal in ("start", "fail"):
            asked = Request(f"{watch['ping_url']}/{signal}", text.encode(), agent, method="POST")
            with urlopen(asked, timeout=60) as answer:
                assert answer.status == 200
    hook = {"name": PAYLOADS[1], "kind": "webhook", "settings": {"url": f"{served.url}/nobody"}}
    channel = served.post("/channels", hook)
    served.post(
        "/rules", {"channel_id": channel["id"], "quiet": {"start": "00:00", "end": "23:59"}}
    )
    window = {"kind": "cron", "cron": "0 3 * * *", "duration_s": 60}
    served.post("/maintenance", {"name": PAYLOADS[0], "window": window})
    job = served.post("/jobs", {
        "name": "Nasty job", "slug": "nasty-job", "schedule": "0 0 1 1 *", "action": {
            "kind": "script", "language": "bash", "source": f"cat <<'END'\n{PAYLOADS[4]}\nEND\n",
        },
    })  # fmt: skip
    run = served.post(f"/jobs/{job['id']}/trigger", {}, 202)
    served.call("GET", f"/api/v1/runs/{run['id']}/output/stream")  # ends with the run


STATIC = (
    "/", "/timeline?hours=168", "/incidents", "/alerts?item=payroll", "/alerts/channels/new",
    "/alerts/channels/new?kind=slack", "/alerts/maintenance/new?kind=weekly", "/settings",
    "/settings/variables", "/settings/keys", "/account", "/system", "/new", "/new?kind=watch",
    "/new?kind=script", "/i/invoices-to-accounting", "/i/daily-report", "/i/shop-answers",
    "/i/daily-report/edit", "/i/payroll/delete", "/i/nasty-4",
)  # fmt: skip
LINKED = (
    ("/incidents?state=closed", r"/incidents/\d+"),
    ("/i/nasty-job", r"/runs/\w+"),
    ("/alerts", r"/alerts/rules/\w+/edit"),
    ("/alerts", r"/alerts/channels/\w+/delete"),
)


def test_every_page_is_sound(site: Site) -> None:
    """No finding of axe, light or dark; no sideways scroll; no complaint, no foreign request."""
    paths = [*STATIC, *(site.found(*linked) for linked in LINKED)]
    findings = [told for path in paths for told in _looked_at(site, path)]
    assert findings == []
    assert site.faults == []


def _looked_at(site: Site, path: str) -> Iterator[str]:
    page = site.go(path)
    # Six hundred time zones in a list take axe seconds, and are all alike.
    page.evaluate("document.querySelectorAll('option:nth-child(n+9)').forEach(one => one.remove())")
    page.evaluate(AXE)
    yield from _findings(page, path, EVERYTHING)
    yield from _scrolls(page, path)
    page.emulate_media(color_scheme="dark")
    yield from _findings(page, f"{path} dark", COLOURS)
    page.set_viewport_size(NARROW)
    yield from _scrolls(page, f"{path} narrow")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(WIDE)


def _findings(page: Page, path: str, options: dict[str, Any]) -> Iterator[str]:
    found = page.evaluate("options => axe.run(options).then(done => done.violations)", options)
    for one in found:
        nodes = [node["html"][:120] for node in one["nodes"][:3]]
        yield f"{path}: {one['id']}: {one['help']}: {nodes}"


def _scrolls(page: Page, path: str) -> Iterator[str]:
    width = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    if width > 0:
        yield f"{path}: {width} px too wide"


def test_hostile_words_are_words(site: Site) -> None:
    paths = ["/", "/?state=down", "/timeline", "/incidents", "/alerts", "/i/nasty-job"]
    paths += [site.found("/incidents", r"/incidents/\d+"), site.found("/i/nasty-job", r"/runs/\w+")]
    paths += [f"/i/nasty-{number}" for number in range(len(PAYLOADS))]
    paths += ["/i/nasty-4/edit", "/i/nasty-job/edit"]
    for path in paths:
        page = site.go(path)
        alien = page.eval_on_selector_all(ALIEN, "all => all.map(one => one.outerHTML)")
        assert alien == [], path
        assert "alert(" not in page.title() or path.startswith("/i/nasty"), path
    assert PAYLOADS[4] in site.go(paths[7]).inner_text("main")
    assert PAYLOADS[0] in site.go("/i/nasty-0").inner_text("h1")
    assert "49" not in site.go("/i/nasty-8").inner_text("h1")
    assert site.faults == []


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/", "Invoices to accounting"),
        ("/i/nightly-database-backup", "At 02:00"),
        ("/timeline", "At most"),
        ("/incidents/1", "It is over"),
    ],
)
def test_pages_are_read_without_scripts(site: Site, path: str, words: str) -> None:
    state = site.context.storage_state()
    bare = site.browser.new_context(java_script_enabled=False, storage_state=state)
    try:
        page = site.watched(bare.new_page())
        page.goto(f"{site.served.url}{path}")
        text = page.inner_text("main")
        assert words in text
        assert "Times are UTC" in text
    finally:
        bare.close()


def test_keys_lead_to_the_places(site: Site) -> None:
    page = site.go("/")
    page.keyboard.press("g")
    page.keyboard.press("t")
    page.wait_for_url("**/timeline")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"


def test_a_signed_out_visitor_is_asked_to_sign_in(site: Site) -> None:
    stranger = site.browser.new_context(viewport=NARROW)
    try:
        page = site.watched(stranger.new_page())
        page.goto(f"{site.served.url}/timeline")
        page.evaluate(AXE)
        assert list(_findings(page, "/login", EVERYTHING)) == []
        page.fill("#email", "ana@example.org")
        page.fill("#password", PASSWORD)
        page.click("main button")
        page.wait_for_url("**/timeline")
    finally:
        stranger.close()


def test_the_examples_go_by_one_click(site: Site) -> None:
    page = site.go("/")
    page.click("text=Remove the examples")
    page.wait_for_load_state()
    text = page.inner_text("main")
    assert "Payroll" not in text
    assert "examples" not in text
    assert site.faults == []
