"""A browser with somebody signed in, before a real server; notes all that goes wrong in it."""

import gzip
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from playwright.sync_api import (
    Browser,
    BrowserContext,
    FloatRect,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

from tests.harness.served import Served

WIDE, NARROW = ViewportSize(width=1280, height=900), ViewportSize(width=390, height=844)
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
# Nothing is framed here, and nobody asks where a finding stands.
EVERYTHING: dict[str, Any] = {
    "resultTypes": ["violations"], "preload": False, "iframes": False, "selectors": False
}  # fmt: skip
COLOURS = EVERYTHING | {"runOnly": ["color-contrast"]}
# What may change with the width of a page: its document stays the same.
SIZES = EVERYTHING | {
    "runOnly": ["color-contrast", "target-size", "scrollable-region-focusable"]
}  # fmt: skip
PASSWORD = "four kinds of tea"
PATIENCE_MS = 60_000
# Kept by CI; README shows some of them (`make pictures`).
SHOTS = Path(__file__).parents[2] / "artifacts" / "pages"


@dataclass
class Site:
    """A server, a browser with somebody signed in, and all that went wrong in it."""

    served: Served
    browser: Browser
    context: BrowserContext
    page: Page
    faults: list[str] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)

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
        links = self.go(path).eval_on_selector_all(
            "a", "all => all.map(one => one.pathname).filter(Boolean)"
        )
        return str(next(one for one in links if re.fullmatch(pattern, one)))

    def weighs(self, address: str) -> int:
        """Return the size of a file as gzip makes it; each is fetched once."""
        if address not in self.sizes:
            self.sizes[address] = len(gzip.compress(self.page.request.get(address).body()))
        return self.sizes[address]

    def shot(self, name: str, height: int = WIDE["height"]) -> None:
        """Keep a picture of the page, as it is seen, or of so much of it."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        seen = self.page.viewport_size or WIDE
        clip = FloatRect(x=0, y=0, width=seen["width"], height=min(height, seen["height"]))
        self.page.screenshot(path=SHOTS / f"{name}.png", clip=clip)


@contextmanager
def browsing(
    served: Served, meets: Callable[[Site, str], None] = lambda _site, _path: None
) -> Iterator[Site]:
    """Set a server up by its link, in a browser; there are items already.

    `meets` is told of the page that is met but once, when it is shown.
    """
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next(filter(None, map(shutil.which, names)))
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        context = browser.new_context(viewport=WIDE, color_scheme="light", timezone_id="UTC")
        context.set_default_timeout(PATIENCE_MS)
        site = Site(served, browser, context, context.new_page())
        site.watched(site.page)
        _set_up(site, meets)
        yield site
        browser.close()


def set_up_link(served: Served) -> str:
    """Return the link that a new server prints."""
    link = re.search(r"set up (\S+)", served.log.read_text())
    assert link
    return f"{served.url}/setup?{link[1].partition('?')[2]}"


def note(name: str, words: str) -> None:
    """Keep a figure beside the pictures."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    (SHOTS / f"{name}.txt").write_text(f"{words}\n", encoding="utf-8")


def _set_up(site: Site, meets: Callable[[Site, str], None]) -> None:
    site.page.goto(set_up_link(site.served))
    meets(site, "/setup")
    site.page.fill("#email", "ana@example.org")
    site.page.fill("#name", "Ana")
    site.page.fill("#password", PASSWORD)
    site.shot("1-set-up")
    site.page.click("main button")
    site.page.wait_for_url(f"{site.served.url}/")


def findings(page: Page, path: str, options: dict[str, Any]) -> Iterator[str]:
    """Yield what axe finds on a page that holds it."""
    found = page.evaluate("options => axe.run(options).then(done => done.violations)", options)
    for one in found:
        nodes = [node["html"][:120] for node in one["nodes"][:3]]
        yield f"{path}: {one['id']}: {one['help']}: {nodes}"


def scrolls(page: Page, path: str) -> Iterator[str]:
    """Yield how much wider a page is than the screen."""
    width = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    if width > 0:
        yield f"{path}: {width} px too wide"


CUT = """() => [...document.querySelectorAll("main svg text, main a, main span")].filter((one) => {
  const shortens = getComputedStyle(one).textOverflow === "ellipsis";
  if (!one.ownerSVGElement) return shortens && one.scrollWidth > one.clientWidth + 1;
  const { width, left, right, top } = one.getBoundingClientRect();
  const all = one.ownerSVGElement.getBoundingClientRect();
  return width && (left < all.left - 1 || right > all.right + 1 || top < all.top - 2);
}).map((one) => one.textContent)"""


def cut(page: Page, path: str) -> Iterator[str]:
    """Yield words of a page that are not seen whole: shortened, or across the edge of a picture."""
    for words in page.evaluate(CUT):
        yield f"{path}: {words!r} is cut"


def size_of(site: Site, page: Page) -> int:
    """Return how many bytes of scripts and styles a page needs, as gzip makes them."""
    found = page.eval_on_selector_all(
        "script[src], link[rel=stylesheet]", "all => all.map(one => one.src || one.href)"
    )
    return sum(site.weighs(address) for address in found)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Say that what is done inside takes no longer; a busy machine is given fifty times that.

    `python -m bench pages` has the true figures; this sees what never comes.
    """
    began = time.monotonic()
    yield
    took = time.monotonic() - began
    assert took < 50 * seconds, f"took {took:.1f} s"
