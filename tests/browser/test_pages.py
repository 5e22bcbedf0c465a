"""The pages in a real browser, on a real server with the examples and with hostile words.

Each page is loaded once, and then looked at light and dark, wide and narrow.
"""

import re
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from itertools import chain
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page, expect

from tests.eventually import eventually
from tests.harness.browsing import (
    AXE,
    COLOURS,
    EVERYTHING,
    NARROW,
    PASSWORD,
    SIZES,
    WIDE,
    Site,
    at_most,
    browsing,
    cut,
    findings,
    note,
    scrolls,
    set_up_link,
    size_of,
)
from tests.harness.places import BESIDE, ON_THE_WAY, PLACES
from tests.harness.receivers import Mails, Webhooks, mail_receiver, webhook_receiver
from tests.harness.served import Served

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
INCIDENTS = r"/incidents/\d+"
ALIEN = (
    "img:not(header img), iframe, object, embed, math, style, script:not([type=module]), "
    "[onerror], [onload], [onmouseover], [srcdoc], a[href^='javascript:']"
)


@pytest.fixture(scope="module")
def mails() -> Iterator[Mails]:
    """A mail server."""
    with mail_receiver() as mails:
        yield mails


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, mails: Mails) -> Iterator[Site]:
    """A server with the examples, set up by its link, and a browser."""
    served = Served(
        tmp_path_factory.mktemp("pages") / "data",
        {"allow-private-targets": "127.0.0.0/8", "smtp-url": mails.url()},
        words=("--demo",),
    ).start()
    try:
        with browsing(served, _meets) as site:
            site.shot("11-now")
            _fill(served)
            yield site
    finally:
        if served.process:
            served.stop()


def _meets(site: Site, path: str) -> None:
    """Look at a page that is met but once."""
    site.faults += _looked_at(site, site.page, path)


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
        served.call("PUT", f"/api/v1/variables/N{number}", {"value": "x", "description": plain})
    _publish(served)
    hook = {"name": PAYLOADS[1], "kind": "webhook", "settings": {"url": f"{served.url}/nobody"}}
    channel = served.post("/channels", hook)
    served.post(
        "/rules", {"channel_id": channel["id"], "quiet": {"start": "00:00", "end": "23:59"}}
    )
    window = {"kind": "cron", "cron": "0 3 29 2 *", "duration_s": 60}
    served.post("/maintenance", {"name": PAYLOADS[0], "window": window})
    job = served.post("/jobs", {
        "name": "Nasty job", "slug": "nasty-job", "schedule": "0 0 1 1 *", "action": {
            "kind": "script", "language": "bash", "source": f"cat <<'END'\n{PAYLOADS[4]}\nEND\n",
        },
    })  # fmt: skip
    _run(served, job["id"])
    health = {"kind": "http", "url": f"{served.url}/healthz"}
    served.post("/probes", {"name": "Asked", "schedule": "every 2s", "target": health})
    node = {"key": "only", "job": "nasty-job"}
    served.post("/workflows", {"name": "Chain", "schedule": "0 4 1 1 *", "nodes": [node]})
    served.post("/workflows/chain/trigger", {}, 202)


def _publish(served: Served) -> None:
    """Show hostile words to anybody, and apply a file with a hostile name that is refused."""
    names = ["".join(one for one in text if one.isprintable())[:90] for text in PAYLOADS]
    items = [{"name": name, "watch": f"nasty-{n}"} for n, name in enumerate(names)]
    told = {"title": PAYLOADS[0], "slug": "nasty", "description": PAYLOADS[1], "items": items}
    served.post("/status-pages", told)
    post = {"title": names[3], "impact": "minor", "state": "identified", "text": PAYLOADS[4]}
    served.post("/status-pages/nasty/posts", post)
    broken = {"name": names[2], "text": f"dogwatch: 1\n{PAYLOADS[0]}: []\n"}
    served.post("/manifests/apply", broken, 422)


def _run(served: Served, job_id: str) -> str:
    """Run a job and wait for its end."""
    run = served.post(f"/jobs/{job_id}/trigger", {}, 202)
    served.call("GET", f"/api/v1/runs/{run['id']}/output/stream")  # ends with the run
    return str(run["id"])


def test_every_page_is_sound(site: Site) -> None:
    """No finding of axe, light or dark, wide or narrow; no sideways scroll; no complaint."""
    told = [one for path in _places(site) for one in _looked_at(site, site.go(path), path)]
    assert told == []
    assert site.faults == []


def _places(site: Site) -> Iterator[str]:
    yield from BESIDE
    for place in chain.from_iterable(PLACES.values()):
        if place != ON_THE_WAY:
            yield place if isinstance(place, str) else site.found(*place)


def _looked_at(site: Site, page: Page, path: str) -> Iterator[str]:
    # Six hundred time zones in a list take axe seconds, and are all alike.
    page.evaluate("document.querySelectorAll('option:nth-child(n+9)').forEach(one => one.remove())")
    page.evaluate(AXE)
    yield from findings(page, path, EVERYTHING)
    yield from scrolls(page, path)
    page.set_viewport_size(NARROW)
    yield from findings(page, f"{path} narrow", SIZES)
    yield from scrolls(page, f"{path} narrow")
    yield from cut(page, f"{path} narrow")
    page.emulate_media(color_scheme="dark")
    yield from findings(page, f"{path} narrow dark", COLOURS)
    page.set_viewport_size(WIDE)
    yield from findings(page, f"{path} dark", COLOURS)
    page.emulate_media(color_scheme="light")
    assert size_of(site, page) <= (220_000 if path.endswith("/edit") else 60_000), path


def test_hostile_words_are_words(site: Site) -> None:
    paths = ["/", "/?state=down", "/timeline", "/incidents", "/alerts", "/i/nasty-job"]
    paths += [site.found("/incidents", INCIDENTS), site.found("/i/nasty-job", r"/runs/\w+")]
    paths += [f"/i/nasty-{number}" for number in range(len(PAYLOADS))]
    paths += ["/i/nasty-4/edit", "/i/nasty-job/edit", "/bulk", "/settings/variables"]
    paths += ["/settings/status-pages", "/settings/files", "/status/nasty"]
    for path in paths:
        page = site.go(path)
        alien = page.eval_on_selector_all(ALIEN, "all => all.map(one => one.outerHTML)")
        assert alien == [], path
        named = "/nasty" in path or path.startswith("/incidents/")
        assert "alert(" not in page.title() or named, path
    assert PAYLOADS[4] in site.go(paths[7]).inner_text("main")
    assert PAYLOADS[0] in site.go("/i/nasty-0").inner_text("h1")
    assert "49" not in site.go("/i/nasty-8").inner_text("h1")
    assert site.faults == []


def test_hostile_words_that_are_pasted_are_words(site: Site) -> None:
    """What stands in a crontab, in a file that is tried, and in what an item said that failed."""
    lines = [f"{n} 2 * * * echo {text}" for n, text in enumerate(_printable())]
    page = site.go("/new/crontab")
    page.fill("#crontab", "\n".join([*(f"# {text}" for text in _printable()), *lines]))
    page.click("text=Show what is in it")
    page.wait_for_selector("tbody tr >> nth=11")
    assert _alien(page) == []
    assert PAYLOADS[0] in page.inner_text("main")
    page.click("text=Watch what is ticked")
    page.wait_for_selector("#made")
    assert _alien(page) == []
    assert PAYLOADS[0] in page.inner_text(".copied")
    page = site.go("/settings/files")
    told = "".join(
        f"- slug: loaded-{n}\n  name: {_quoted(text)}\n" for n, text in enumerate(_printable())
    )
    page.fill("#text", f"dogwatch: 1\nwatches:\n{told}")
    page.click("text=Show what it would change")
    page.wait_for_selector(".preview")
    assert _alien(page) == []
    assert PAYLOADS[0] in page.inner_text(".preview")
    page = site.go(site.found("/incidents", INCIDENTS))
    assert page.locator(".sides pre").count() > 0
    assert _alien(page) == []
    assert any(text in page.inner_text("main") for text in _printable())
    for one in _crontabs(site):
        site.served.call("DELETE", f"/api/v1/watches/{one['slug']}")
    assert site.faults == []


def _printable() -> list[str]:
    return ["".join(one for one in text if one.isprintable()) for text in PAYLOADS]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _crontabs(site: Site) -> list[dict[str, str]]:
    return [one for one in site.served.every("/watches") if "crontab" in one["tags"]]


def _alien(page: Page) -> list[str]:
    found: list[str] = page.eval_on_selector_all(ALIEN, "all => all.map(one => one.outerHTML)")
    return found


NUMBERED = """one => Boolean(
    one.closest("section, main").querySelector("details.numbers table, [role=region] > table")
)"""
PICTURED = (
    "/i/daily-report", "/i/invoices-to-accounting", "/i/asked", "/timeline", "/load",
    "/flows/chain", "/incidents/1",
)  # fmt: skip


@pytest.mark.parametrize("path", PICTURED)
def test_every_picture_has_its_numbers(site: Site, path: str) -> None:
    """In words, as a table, and alone as .svg and .json at its address."""
    page = site.go(path)
    pictures = page.locator(
        "main svg[viewBox]:not(.icon):not(.lane), .lanes > .row:nth-child(2) svg"
    )
    assert pictures.count() > 0
    for one in pictures.all():
        assert (one.get_attribute("aria-label") or "")[-1:].isalnum(), path
    for beside in page.locator(".beside").all():
        for link in beside.locator("a").all():
            address = str(link.evaluate("one => one.href"))
            answer = page.request.get(address)
            assert answer.status == 200, address
            assert answer.json() if ".json" in address else "aria-label" in answer.text()
        assert beside.evaluate(NUMBERED)
    for size in (NARROW, WIDE):
        page.set_viewport_size(size)
        assert list(cut(page, path)) == []
    for toggle in page.locator("details.numbers summary").all():
        toggle.focus()
        page.keyboard.press("Enter")
    for table in page.locator("details.numbers table").all():
        expect(table).to_be_visible()
        assert table.locator("tbody tr").count() > 0


def test_the_timeline_is_drawn_anew_for_what_is_dragged_over(site: Site) -> None:
    page = site.go("/timeline?tag=demo")
    words = page.locator(".marks text").all_text_contents()
    assert len(words) > 2
    assert all(one.endswith(":00") or one[:3].isalpha() for one in words)  # whole hours, or a day
    lane = page.locator(".lanes > .row:nth-child(2) .lane")
    lane.scroll_into_view_if_needed()
    box = lane.bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.25, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, middle, steps=4)
    expect(page.locator(".stretch")).to_be_visible()
    page.mouse.up()
    page.wait_for_url("**from=*")
    assert "tag=demo" in page.url
    expect(page.locator("nav[aria-label='How far back'] [aria-current]")).to_have_count(
        1
    )  # the tag
    page.click("text=Wider")
    page.click("text=Earlier")
    assert page.locator(".lane").count() == 13
    page.click("nav >> text=24 h")
    page.locator(".row:has-text('Search index') .lane a").first.click(force=True)
    page.wait_for_url("**/runs/*")
    assert site.faults == []


def test_what_is_chosen_survives_reload_and_back(site: Site) -> None:
    page = site.go("/?state=down")
    page.locator(".items .hint a").first.click()
    chosen = page.url
    assert "state=down" in chosen
    assert "tag=" in chosen
    names = page.locator(".what > a").all_inner_texts()
    page.reload()
    assert page.locator(".what > a").all_inner_texts() == names
    page.locator(".what > a").first.click()
    page.wait_for_url("**/i/*")
    page.go_back()
    assert page.url == chosen
    assert page.locator(".what > a").all_inner_texts() == names
    down = int(page.title().partition(" down)")[0].removeprefix("("))
    assert down >= len(names) > 0
    assert f"icon/{down}.svg" in str(page.get_attribute("link[rel=icon]", "href"))


def test_a_pause_ends_by_itself_and_an_edit_leaves_a_mark(site: Site) -> None:
    page = site.go("/i/newsletter")
    page.select_option("[name=hours]", "4")
    page.click("button:has-text('Pause')")
    expect(page.locator(".head .state").first).to_contain_text("Paused")
    expect(page.locator("main .lead")).to_contain_text("It resumes")
    assert page.locator(".strip .paused").count() > 0  # hollow by the sheet of styles
    page.click("button:has-text('Resume')")
    page = site.go("/i/newsletter/edit")
    page.fill("#schedule", "every monday at 8")
    page.click("main button:has-text('Save')")
    page.wait_for_url("**/i/newsletter")
    assert page.locator(".strip .edit").count() == 2
    assert site.faults == []


def test_the_text_of_a_flow_is_drawn_judged_and_kept_as_a_draft(site: Site) -> None:
    page = site.go("/flows/chain/edit")
    text = page.input_value("#text")
    more = text + "- key: second\n  job: nasty-job\n"
    if "edges" in text:
        more = text.replace("nodes:\n", "nodes:\n- key: second\n  job: nasty-job\n")
    with at_most(0.5):
        page.fill("#text", more)
        expect(page.locator("#picture svg")).to_have_attribute("aria-label", re.compile("2 nodes"))
    page.fill("#text", more + "nodes: [\n")
    expect(page.locator("#faults")).to_contain_text("line")
    assert "2 nodes" in str(page.get_attribute("#picture svg", "aria-label"))  # the last good one
    page.fill("#text", more)
    expect(page.locator("#faults")).to_be_hidden()
    page = _anew(site, page)
    expect(page.locator("#draft")).to_be_visible()
    assert page.input_value("#text") == more
    page.click("text=Drop it")
    assert page.input_value("#text") == text
    assert site.faults == []


def _anew(site: Site, page: Page) -> Page:
    """Close the tab of a page and open its address in another."""
    site.page = site.watched(site.context.new_page())
    site.page.goto(page.url)
    page.close()
    return site.page


def test_the_first_minute(site: Site, tmp_path: Path) -> None:
    """From the start of a new server to the first ping: nobody has to wait, or to read much."""
    began = time.monotonic()
    fresh = Served(tmp_path / "fresh").start()
    newcomer = site.browser.new_context(viewport=WIDE)
    try:
        page = newcomer.new_page()
        link = set_up_link(fresh)
        page.goto(link)
        page.fill("#email", "new@example.org")
        page.fill("#name", "Newcomer")
        page.fill("#password", PASSWORD)
        page.click("main button")
        page.wait_for_url("**/new")
        page.click("text=Watch something that runs elsewhere")
        page.fill("#name", "Backup")
        page.fill("#schedule", "every day at 2")
        expect(page.locator("#preview li")).to_have_count(5)
        page.click("text=Make it")
        expect(page.locator("h2", has_text="Waiting for the first ping")).to_be_visible()
        url = re.search(r"http\S+/ping/\S+", page.inner_text(".copied"))
        assert url
        with urlopen(url[0], timeout=60):
            expect(page.locator(".head .state").first).to_contain_text("OK")
        took = time.monotonic() - began
        note("first-minute", f"{took:.1f} s from the start to the first OK")
        assert took < 240  # a minute where nobody else has the processor
        assert page.request.get(link).status == 410
    finally:
        newcomer.close()
        fresh.stop()


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
    page.keyboard.type("payr?")  # in a field, keys are letters
    expect(page.locator("#keys")).to_be_hidden()
    page.keyboard.press("Enter")
    page.wait_for_url("**/timeline?q=payr%3F")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("n")
    page.wait_for_url(f"{site.served.url}/")
    assert site.faults == []


def test_some_are_found_and_paused_at_once(site: Site) -> None:
    page = site.go("/?tag=shop")
    page.fill("#q", "S")
    page.press("#q", "Enter")
    page.wait_for_url("**q=S*")
    assert "tag=shop" in page.url  # what was chosen stays
    found = page.locator(".what > a").all_inner_texts()
    assert len(found) > 1
    page.click("text=Change several of them")
    for name in found:
        page.check(f"text={name}")
    page.click("main button:has-text('Pause')")
    page.wait_for_url("**/?*q=S*")
    expect(page.locator(".items .state.paused")).to_have_count(len(found))
    page.click("text=Change several of them")
    page.click("text=Tick all")
    assert page.locator("main [type=checkbox]:checked").count() == len(found)
    page.click("main button:has-text('Resume')")
    expect(page.locator(".items .state.paused")).to_have_count(0)
    assert site.faults == []


INCIDENT = 60_000


def test_an_incident_is_worked_on_from_a_phone_without_scripts(site: Site) -> None:
    state, where = site.context.storage_state(), site.found("/incidents?state=open", INCIDENTS)
    phone = site.browser.new_context(
        java_script_enabled=False, storage_state=state, viewport=NARROW
    )
    try:
        page = site.watched(phone.new_page())
        answer = page.goto(f"{site.served.url}{where}")
        assert answer is not None
        assert len(answer.body()) + site.weighs(_sheet(page)) < INCIDENT
        assert list(scrolls(page, where)) == []
        expect(page.locator("h2", has_text="What was changed")).to_be_visible()
        assert page.locator(".sides").first.locator(":scope > div").count() == 2
        assert page.locator(".concerned .strip").count() > 0
        expect(page.locator("button:has-text('Acknowledge')")).to_be_visible()
        page.click("button:has-text('Snooze 1 h')")
        expect(page.locator("main .lead")).to_contain_text("Snoozed until")
        page.click(".concerned button:has-text('Pause') >> nth=0")
        expect(page.locator(".head .state").first).to_contain_text("Paused")
        page.click("button:has-text('Resume')")
    finally:
        phone.close()


def _sheet(page: Page) -> str:
    return str(page.locator("link[rel=stylesheet]").evaluate("one => one.href"))


def test_a_signed_out_visitor_is_asked_to_sign_in(site: Site) -> None:
    stranger = site.browser.new_context(viewport=NARROW)
    try:
        page = site.watched(stranger.new_page())
        page.goto(f"{site.served.url}/setup")
        assert list(_looked_at(site, page, "set up already")) == []
        assert [one for one in site.faults if "status of 410" not in one] == []
        site.faults.clear()  # a link that is used up shall say so
        page.set_viewport_size(NARROW)
        page.goto(f"{site.served.url}/timeline")
        assert list(_looked_at(site, page, "/login")) == []
        page.fill("#email", "ana@example.org")
        page.fill("#password", PASSWORD)
        page.click("main button")
        page.wait_for_url("**/timeline")
    finally:
        stranger.close()


def test_pages_on_the_way_are_sound(site: Site) -> None:
    """What only who is invited, or sets up a second factor, gets to see."""
    page = site.go("/settings")
    page.fill("#email", "bob@example.org")
    page.click("text=Make a link")
    link = page.inner_text(".secret code, .copied code")
    stranger = site.browser.new_context(viewport=WIDE)
    try:
        joining = site.watched(stranger.new_page())
        joining.goto(link)
        assert list(_looked_at(site, joining, "the invitation")) == []
    finally:
        stranger.close()
    page = site.go("/account")
    page.fill("#factor_password", PASSWORD)
    page.click("text=Set up a second factor")
    page.wait_for_url("**/account/second-factor*")
    assert list(_looked_at(site, page, "the second factor")) == []
    assert site.faults == []


def test_a_newcomer_watches_is_told_and_finds_out(site: Site, mails: Mails) -> None:
    """From a schedule in words to an incident that is over, and to a file of it all."""
    for one in site.served.every("/incidents?state=open"):  # else it would be one of those
        site.served.post(f"/incidents/{one['number']}/close", {}, 200)
    mail = {"name": "Mail", "kind": "email", "settings": {"to": ["bo@example.org"]}}
    told = site.served.post("/channels", mail)
    site.served.post("/rules", {"channel_id": told["id"], "events": ["down"]})
    url = _watches(site)
    with webhook_receiver() as hooks:
        _is_told(site, hooks)
        _misses_and_recovers(site, hooks, mails, url)
    _keeps_it_in_a_file(site)
    assert site.faults == []


def _watches(site: Site) -> str:
    """Make a watch and ping it; return its address for pings."""
    page = site.go("/new")
    site.shot("2-new")
    page.click("text=Watch something that runs elsewhere")
    page.fill("#name", "Story")
    with at_most(0.3):
        page.fill("#schedule", "every weekday at 7")
        expect(page.locator("#preview code")).to_have_text("0 7 * * 1-5")
    assert page.locator("#preview li").count() == 5
    assert page.locator("#preview svg").get_attribute("aria-label").endswith(":05")  # type: ignore[union-attr]  # it has one
    site.shot("3-schedule")
    page.fill("#schedule", "soon")
    expect(page.locator("#preview .error")).to_contain_text("is not a schedule")
    assert page.input_value("#schedule") == "soon"
    page.fill("#schedule", "every 3s")
    page.fill("#start_by_s", "0")
    page.click("text=Make it")
    page.wait_for_url("**/i/story")
    expect(page.locator("h2", has_text="Waiting for the first ping")).to_be_visible()
    url = str(site.served.call("GET", "/api/v1/watches/story").json["ping_url"])
    assert url in page.inner_text("main")
    site.shot("4-waiting")
    page.evaluate("window.same = true")
    with at_most(2), urlopen(url, timeout=60):
        expect(page.locator("h2", has_text="Waiting for the first ping")).to_have_count(0)
    assert page.evaluate("window.same")  # it was never loaded again
    return url


def _is_told(site: Site, hooks: Webhooks) -> None:
    """Make a channel and test it."""
    page = site.go("/alerts/channels/new?kind=webhook")
    page.fill("#name", "Story")
    page.fill("[name='settings.url']", hooks.url)
    page.click("text=Make it")
    hooks.secret = page.inner_text(".secret code")
    with at_most(10):
        page.click("text=Test it")
        expect(page.locator("main .lead")).to_contain_text("It arrived")
    assert hooks.came[0].verified
    site.shot("5-test")
    assert list(_looked_at(site, page, "the delivery")) == []


def _misses_and_recovers(site: Site, hooks: Webhooks, mails: Mails, url: str) -> None:
    """See it miss, who was told, acknowledge by the link of the mail, and see it recover."""
    page = site.go("/i/story")
    expect(page.locator(".head .state").first).to_contain_text("Down")
    assert page.title().startswith("Down: Story")
    site.shot("6-missed")
    assert "Story is down" in site.go("/incidents").inner_text("main")
    page = site.go(site.found("/incidents", INCIDENTS))
    assert "Story" in page.inner_text("main")
    expect(page.locator(".ladder")).to_contain_text("200")
    assert "down" in hooks.events("story")[0]
    _acknowledges_by_the_link(site, mails)
    expect(page.locator(".ladder")).to_contain_text("Acknowledged by Bo")
    site.served.call("PATCH", "/api/v1/watches/story", {"schedule": "0 7 * * *"})
    with urlopen(url, timeout=60):
        expect(page.locator("main .lead")).to_contain_text("It is over")
    page.evaluate("scrollTo(0, 0)")
    site.shot("7-incident", height=878)  # README shows it without what the nasty channel is called


def _acknowledges_by_the_link(site: Site, mails: Mails) -> None:
    """Somebody who is not signed in does, by the button behind the link; to see it does nothing."""
    came = eventually(
        lambda: [one for one in mails.came if "Story" in str(one["Subject"])], within_s=60
    )
    body = came[0].get_body(("plain",))
    assert body
    link = re.findall(rf"{site.served.url}/acknowledge/\S+", body.get_content())[0]
    stranger = site.browser.new_context(viewport=NARROW)
    try:
        page = site.watched(stranger.new_page())
        page.goto(link)
        assert list(_looked_at(site, page, "the link of a mail")) == []
        page.set_viewport_size(NARROW)
        assert stranger.request.get(link).status == 200
        assert site.served.every("/incidents?state=open") != []  # to look has done nothing
        page.fill("#name", "Bo")
        page.click("button:has-text('Acknowledge')")
        expect(page.locator("main .lead")).to_contain_text("Acknowledged by Bo.")
        assert stranger.request.get(link).status == 410
    finally:
        stranger.close()


def _keeps_it_in_a_file(site: Site) -> None:
    """Apply a file that was exported, then a broken one."""
    page = site.go("/settings/files")
    text = page.request.get(f"{site.served.url}/dogwatch.yaml").text()
    only = "dogwatch: 1\nwatches:\n- slug: story\n  name: Told by a file\n"
    assert "- slug: story\n  name: Story\n" in text
    page.fill("#text", only)
    page.click("text=Show what it would change")
    expect(page.locator(".preview")).to_contain_text("+  name: Told by a file")
    site.shot("9-file")
    page.click("text=Apply it")
    assert "kept in dogwatch.yaml" in site.go("/i/story").inner_text("main")
    page = site.go("/settings/files")
    page.fill("#text", only + "  schedule: never\n")
    page.click("text=Apply it")
    expect(page.locator("#text-error")).to_contain_text("line 5")
    site.faults[:] = [one for one in site.faults if "status of 422" not in one]  # as it shall be
    assert "Refused" in site.go("/settings/files").inner_text("main")
    assert site.page.title().startswith("(1 refused)")
    assert "Told by a file" in site.go("/i/story").inner_text("h1")


LINES = 100_000


def test_a_long_log_is_read_to_the_line(site: Site) -> None:
    job = site.served.post("/jobs", {
        "name": "Long", "slug": "long", "schedule": "0 0 1 1 *", "action": {
            "kind": "script", "language": "bash", "source": f"seq {LINES}",
        },
    })  # fmt: skip
    page = site.go(f"/runs/{_run(site.served, job['id'])}#L4200")
    chosen = "getSelection().toString()"
    page.wait_for_function(f"{chosen} === '4200'")
    assert page.evaluate("document.querySelectorAll('*').length") < 5_000
    page.fill("#find", "98765")
    page.press("#find", "Enter")
    page.wait_for_function(f"{chosen} === '98765'")
    expect(page.locator(".finder output")).to_have_text("line 98765")
    site.shot("8-log")
    stored = page.request.get(f"{page.url.partition('#')[0]}/output.txt").text()
    assert stored == "".join(f"{n}\n" for n in range(1, LINES + 1))


def test_a_log_follows_a_run_and_lets_the_reader_read(site: Site, tmp_path: Path) -> None:
    source = "seq 200; until [ -e GO ]; do sleep 0.05; done; seq 201 300"
    job = site.served.post("/jobs", {
        "name": "Going", "slug": "going", "schedule": "0 0 1 1 *", "action": {
            "kind": "script", "language": "bash", "source": source.replace("GO", f"{tmp_path}/go"),
        },
    })  # fmt: skip
    run = site.served.post(f"/jobs/{job['id']}/trigger", {}, 202)
    page = site.go(f"/runs/{run['id']}")
    expect(page.locator("#log")).to_contain_text("200")
    page.evaluate("document.getElementById('log').scrollTop = 0")
    (tmp_path / "go").touch()
    expect(page.locator(".news")).to_have_text("100 new lines ↓")
    assert page.evaluate("document.getElementById('log').scrollTop") == 0
    page.click(".news")
    assert page.evaluate("document.getElementById('log').scrollTop") > 0
    expect(page.locator(".head .state")).to_contain_text("OK")
    assert site.faults == []


def test_tabs_share_one_stream_and_hidden_ones_are_still(site: Site) -> None:
    asked: list[str] = []
    tabs = [site.watched(site.context.new_page()) for _ in range(2)]
    hidden = tabs[1]
    hidden.add_init_script("Object.defineProperty(document, 'hidden', {get: () => true})")
    hidden.clock.install()
    site.context.on("request", lambda one: asked.append(one.url))
    for tab in tabs:
        tab.goto(site.served.url)
    hidden.on(
        "request",
        lambda one: asked.append(f"hidden {one.url}") if one.resource_type == "fetch" else None,
    )
    began_ms = hidden.evaluate("Date.now()")
    made = site.served.post("/watches", {"name": "Seen at once", "slug": "seen-at-once"})
    with at_most(2), urlopen(Request(f"{made['ping_url']}/fail", b""), timeout=60):
        expect(tabs[0].locator("main")).to_contain_text("Seen at once")
    # Screen readers hear the new title.
    expect(tabs[0].locator("[role=status]#told")).to_contain_text("down) Now")
    assert len([one for one in asked if "/live?" in one]) <= 1
    with hidden.expect_request(f"{site.served.url}/"):
        hidden.clock.run_for(180_000)
    minutes = (hidden.evaluate("Date.now()") - began_ms) / 60_000
    assert len([one for one in asked if one.startswith("hidden")]) <= minutes + 1
    site.served.call("DELETE", "/api/v1/watches/seen-at-once")
    for tab in tabs:
        tab.close()
    assert site.faults == []


def test_times_are_those_of_the_browser_until_others_are_chosen(site: Site) -> None:
    state = site.context.storage_state()
    state["cookies"] = [one for one in state["cookies"] if one["name"] != "dogwatch-zone"]
    there = site.browser.new_context(storage_state=state, timezone_id="Asia/Tokyo", viewport=WIDE)
    try:
        page = site.watched(there.new_page())
        page.goto(f"{site.served.url}/i/payroll")
        expect(page.locator(".zone")).to_contain_text("Times are Asia/Tokyo")
        assert "15:00:00" in page.inner_text("section:has(#next) ol")
        page.click("text=Show UTC")
        expect(page.locator(".zone")).to_contain_text("Times are UTC")
        assert "06:00:00" in page.inner_text("section:has(#next) ol")
        expect(page.locator(".zone")).to_contain_text("Show Asia/Tokyo")
    finally:
        there.close()


def test_durations_are_looked_at_closer(site: Site) -> None:
    page = site.go("/i/daily-report")
    page.evaluate("scrollTo(0, 0)")
    site.shot("10-item")
    page.click("text=Look closer")
    # It stands where the button was, and stays when the page is put in anew.
    expect(page.locator("section[aria-labelledby=runs] .plot canvas")).to_be_visible()
    expect(page.locator("text=Look closer")).to_have_count(0)
    assert site.faults == []


def test_the_examples_go_by_one_click(site: Site) -> None:
    page = site.go("/")
    page.click("text=Remove the examples")
    page.wait_for_load_state()
    text = page.inner_text("main")
    assert "Payroll" not in text
    assert "examples" not in text
    assert site.faults == []


def test_the_backup_button_gives_what_restore_takes(site: Site, tmp_path: Path) -> None:
    page = site.go("/system")
    with page.expect_download() as downloading:
        page.click("text=Download a backup")
    copy = tmp_path / "copy.gz"
    downloading.value.save_as(copy)
    key = (site.served.data / "secret.key").read_text().strip()
    empty = Served(tmp_path / "restored")
    done = empty.cli("restore", str(copy), "--data", str(empty.data), DOGWATCH_SECRET_KEY=key)
    assert "rows restored" in done.stdout


def test_a_tab_of_a_workspace_that_was_left_is_loaded_anew(site: Site) -> None:
    site.served.cli("workspace", "add", "Shop", "--owner", "ana@example.org")
    state = site.context.storage_state()
    there = site.browser.new_context(storage_state=state, viewport=WIDE)
    try:
        left, other = (site.watched(there.new_page()) for _ in range(2))
        for tab in (left, other):
            tab.goto(f"{site.served.url}/account")
            expect(tab.locator("header")).to_contain_text("Default")
        left.goto(site.served.url)
        other.click("text=Go there")
        expect(other.locator("header")).to_contain_text("Shop")
        # Never its items under the other's name, with buttons that work there.
        expect(left.locator("header")).to_contain_text("Shop")
        expect(left.locator("main")).to_contain_text("Nothing is watched yet")
        assert site.faults == []
    finally:
        there.close()


OPEN_PAGES = 10


def test_the_server_ends_at_once_under_open_pages(site: Site) -> None:
    """The last test: it takes the server away."""
    cookies = "; ".join(f"{one['name']}={one['value']}" for one in site.context.cookies())
    streams = [HTTPConnection("127.0.0.1", site.served.port, timeout=60) for _ in range(OPEN_PAGES)]
    for one in streams:
        one.request("GET", "/live", headers={"Cookie": cookies})
        assert one.getresponse().readline() == b"retry: 3000\n"
    site.page.close()
    with at_most(2):
        assert site.served.stop() == 0
    for one in streams:
        one.close()
