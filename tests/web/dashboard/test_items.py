"""The pages of items: what is wrong, what each did, and how one begins."""

import re
from datetime import datetime, timedelta
from html import unescape

import pytest

from dogwatch.core.slots import Gap
from dogwatch.core.spec import WatchSpec
from dogwatch.store import nodes, results
from dogwatch.usecases import probes, runs, watches, workspaces
from dogwatch.usecases.door import Tx
from dogwatch.usecases.probes import ProbeSpec
from tests.web.dashboard.conftest import Browser, House, pass_time, ping, watch


def names(page: str) -> list[str]:
    return [unescape(one) for one in re.findall(r'<a href="[./]*i/[^"]*">([^<]*)</a>', page)]


def test_strangers_see_what_it_is_and_nothing_of_ours(house: House, ana: Browser) -> None:
    watch(house, "Secret backup")
    page = house.browser().get("/")
    assert page.status == 200
    assert "Secret backup" not in page.text
    sent = house.browser().get("/i/secret-backup")
    assert (sent.status, sent.headers["location"]) == (303, "../login?next=i%2Fsecret-backup")


def test_the_worst_come_first_and_are_counted(house: House, ana: Browser) -> None:
    well, bad = watch(house, "Alpha"), watch(house, "Zulu")
    watch(house, "Mike")
    for one in (well, bad):
        ping(house, one)
    ping(house, bad, kind="fail", exit_code=3)
    page = ana.get("/").text
    assert names(page) == ["Zulu", "Mike", "Alpha"]
    assert page.count('<span class="hint">exit status 3</span>') == 1
    assert '<a href="../incidents/1">Incident 1</a>' in ana.get("/i/zulu").text
    assert "incidents/1" not in ana.get("/i/alpha").text
    assert "<title>(1 down) Now – Dogwatch</title>" in page
    pass_time(house, 601)
    assert names(ana.get("/").text) == ["Zulu", "Alpha", "Mike"]  # Alpha is late
    assert names(ana.get("/", state="late").text) == ["Alpha"]


def test_what_was_due_while_nobody_listened_is_told_for_a_day_or_until_it_is_read(
    house: House, ana: Browser
) -> None:
    for name, schedule in (("Alpha", "every 10m"), ("Bravo", "*/5 * * * *"), ("Later", "every 2h")):
        ping(house, watch(house, name, schedule=schedule))

    def away(seconds: float) -> None:
        gap = Gap(house.clock.now(), house.clock.now() + timedelta(seconds=seconds))
        house.clock.advance(seconds)
        house.write(lambda tx: nodes.add_gap(tx, gap, "no node was alive"))

    away(720)
    assert "2 expectations fell into that time, judged with grace" in ana.get("/").text  # owed
    pass_time(house, 150)
    page = ana.get("/").text  # by now two of one are in the ledger, and one of the other
    assert "3 expectations fell into that time" in page
    assert ana.fill("/", "/away").status == 303
    assert "Nobody listened" not in ana.get("/").text
    away(90)
    assert "1 expectation fell into that time" in ana.get("/").text
    away(90)
    assert "Nothing was expected in that time." in ana.get("/").text
    house.clock.advance(86_400)
    assert "Nobody listened" not in ana.get("/").text


def test_what_is_shown_stands_in_the_address(house: House, ana: Browser) -> None:
    watch(house, "Orders db", tags=("db", "prod"))
    watch(house, "Users db", tags=("db",))
    watch(house, "100% real_name", tags=("żaba_1",))
    assert names(ana.get("/", tag="prod").text) == ["Orders db"]
    assert names(ana.get("/", q="DB").text) == ["Orders db", "Users db"]
    for sought in ("% real_", "real 100%", "żab", "a_1"):
        assert names(ana.get("/", q=sought).text) == ["100% real_name"], sought
    assert names(ana.get("/", q="PROD orders").text) == ["Orders db"]
    assert names(ana.get("/", q="orders users").text) == []
    nothing = ana.get("/", q="none such", state="bogus", page="x\u00b2").text
    assert "Nothing here is like that" in nothing


def test_a_search_tells_how_these_are_and_not_how_all_are(house: House, ana: Browser) -> None:
    ping(house, watch(house, "Alpha", tags=("db",)), kind="fail")
    ping(house, watch(house, "Bravo"))
    told = {"": "1 down", "alpha": "1 down among these", "bravo": "All is well among these"}
    for sought, head in told.items():
        assert f"<h1>{head}</h1>" in ana.get("/", q=sought).text
    assert "<h1>1 down among these</h1>" in ana.get("/", tag="db").text


def test_where_no_rule_tells_anybody_that_is_said(house: House) -> None:
    ana, untold = house.ana(scripts_on=True), "Nobody hears of it yet when"
    assert untold not in ana.get("/").text
    given = {"kind": "script", "name": "Report", "schedule": "every 1h", "timezone": "UTC",
             "language": "bash", "source": "true"}  # fmt: skip
    assert ana.fill("/new?kind=script", "/new", **given).status == 303
    assert ana.fill("/i/report", "/i/report/pause").status == 303
    ping(house, watch(house, "Nightly"))
    places = ("/", "/i/report", "/i/nightly")
    for path in places:
        assert untold in ana.get(path).text, path
    path = "/alerts/channels/new"
    hook = {"kind": "webhook", "name": "Ops", "settings.url": "https://93.184.215.14/in"}
    assert ana.fill(f"{path}?kind=webhook", path, **hook, all="1").status == 200
    for path in places:
        assert untold not in ana.get(path).text, path
    assert 'href="../alerts?item=nightly#who">Who is told</a>' in ana.get("/i/nightly").text


def test_many_are_paged(house: House, ana: Browser) -> None:
    for number in range(101):
        watch(house, f"w{number:03}")
    first, second = ana.get("/").text, ana.get("/", page="2").text
    assert len(names(first)) == 100
    assert names(second) == ["w100"]
    assert len(first) < 150_000


def test_an_item_tells_its_state_its_next_and_how_it_is_pinged(house: House, ana: Browser) -> None:
    record = watch(house, "Nightly", description="of the shop")
    page = ana.get("/i/nightly").text
    assert "<title>New: Nightly – Dogwatch</title>" in page
    assert f"http://dogwatch.test/ping/{record.ping_key}" in page
    assert "Every 10 minutes" in page
    ping(house, record)
    pass_time(house, 661)
    page = ana.get("/i/nightly").text
    assert "<title>Down: Nightly – Dogwatch</title>" in page
    assert 'aria-label="Last 24 h:' in page


def test_what_runs_is_told_beside_the_state_and_addresses_are_links(
    house: House, ana: Browser
) -> None:
    words = "Runbook: https://wiki.example/a?b=1&c=2 <b>"
    ping(house, watch(house, "Nightly", description=words), kind="start")
    for page in (ana.get("/").text, ana.get("/i/nightly").text):
        assert 'class="state running"' in page
    assert '<a href="https://wiki.example/a?b=1&amp;c=2" rel="noopener">' in page
    assert "&lt;b&gt;" in page


def test_one_that_is_down_leads_to_what_it_said(house: House, ana: Browser) -> None:
    record = watch(house, "Nightly")
    for kind, count in (("ok", 0), ("fail", 1), ("start", 1), ("ok", 0)):
        house.clock.advance(1)
        ping(house, record, kind=kind, body=f"this is {kind}")
        page = ana.get("/i/nightly").text
        runs = re.findall(r'href="\.\./(runs/\w+)">The run that failed<', page)
        assert len(runs) == count, kind
        assert all("this is fail" in ana.get(f"/{run}").text for run in runs)


def test_one_that_is_down_promises_no_second_alert(house: House, ana: Browser) -> None:
    record = watch(house, "Quick", schedule="every 10s", start_by_s=1)
    fresh = ana.get("/i/quick").text
    assert "silence is not judged before the first sign" in fresh
    assert '<path class="alert"' not in fresh
    ping(house, record)
    page = ana.get("/i/quick").text
    assert re.search(r"due \d\d:\d\d:\d\d<", page)
    assert "an alert 1 s later" in page
    pass_time(house, 12)
    page = ana.get("/i/quick").text
    assert "It is down already" in page
    assert "later." not in page
    for shown in (page, ana.get("/i/quick/expected.svg").text):
        assert "; it is down already, so no alert follows" in shown
        assert '<path class="alert"' not in shown
    assert '<th scope="col">Alert</th>' not in page
    told = ana.get("/i/quick/expected.json").json
    assert (len(told["due_at"]), told["alert_after_s"], told["late_after_s"]) == (5, None, None)


def test_a_strip_says_in_words_what_it_shows(house: House, ana: Browser) -> None:
    record = watch(house, "Nightly")
    house.clock.advance(24 * 3600)
    ping(house, record)
    pass_time(house, 661)
    page = ana.get("/").text
    assert 'aria-label="Last 24 h: 0.5 h Down, 23.5 h New"' in page


def test_it_is_paused_and_resumed(house: House, ana: Browser) -> None:
    watch(house, "Nightly")
    assert ana.fill("/i/nightly", "/i/nightly/pause").status == 303
    page = ana.get("/i/nightly").text
    assert "Paused: Nightly" in page
    assert ana.fill("/i/nightly", "/i/nightly/resume").status == 303
    assert "New: Nightly" in ana.get("/i/nightly").text
    assert ana.fill("/i/nightly", "/i/nightly/pause", hours="1").status == 303
    page = ana.get("/i/nightly").text
    assert re.search(r"nothing is expected until \S+ \S+ UTC, then it resumes by itself", page)


def test_deleting_asks_first(house: House, ana: Browser) -> None:
    watch(house, "Nightly")
    assert "Delete Nightly?" in ana.get("/i/nightly/delete").text
    assert names(ana.get("/").text) == ["Nightly"]
    assert ana.fill("/i/nightly/delete", "/i/nightly/delete").status == 303
    assert names(ana.get("/").text) == []
    assert ana.get("/i/nightly").status == 404


def test_a_form_of_another_page_does_nothing(house: House, ana: Browser) -> None:
    watch(house, "Nightly")
    assert ana.post("/i/nightly/delete", token="x").status == 403
    ana.origin = "http://evil.example"
    assert ana.fill("/i/nightly", "/i/nightly/pause").status == 403
    assert names(ana.get("/").text) == ["Nightly"]


def test_a_watch_is_made_after_a_look_at_its_times(house: House, ana: Browser) -> None:
    given = {"kind": "watch", "name": "Nightly", "schedule": "0 2 * * *",
             "timezone": "Europe/Warsaw", "start_by_s": "20", "tags": "db, prod"}  # fmt: skip
    preview = ana.fill("/new?kind=watch", "/new", **given, preview="1").text
    assert 'role="status"' in preview
    assert "Tue 2026-01-06 02:00:00 Europe/Warsaw" in preview
    assert 'value="Nightly"' in preview
    made = ana.fill("/new?kind=watch", "/new", **given)
    assert (made.status, made.headers["location"]) == (303, "./i/nightly")
    page = ana.get("/i/nightly").text
    assert "Waiting for the first ping" in page


def test_a_wrong_field_is_marked_and_the_text_stays(house: House, ana: Browser) -> None:
    given = {"kind": "watch", "name": "Nightly", "schedule": "61 * * * *", "timezone": "UTC"}
    answer = ana.fill("/new?kind=watch", "/new", **given)
    assert answer.status == 422
    assert 'id="schedule-error"' in answer.text
    assert 'value="61 * * * *"' in answer.text
    wrong = ana.fill("/new?kind=watch", "/new", **given | {"schedule": "", "start_by_s": "soon"})
    assert 'id="start_by_s-error"' in wrong.text


def test_a_job_is_made_and_run(house: House) -> None:
    ana = house.ana(scripts_on=True)
    given = {"kind": "script", "name": "Report", "schedule": "every 1h", "timezone": "UTC",
             "language": "bash", "source": "echo hello\r\necho you"}  # fmt: skip
    assert ana.fill("/new?kind=script", "/new", **given).status == 303
    assert ana.fill("/i/report", "/i/report/run").status == 303
    page = ana.get("/i/report").text
    (run,) = re.findall(r'href="[./]*(runs/[0-9a-z]{26})"', page)
    shown = ana.get(f"/{run}").text
    assert "Queued: run of Report" in shown
    assert ("<p>None.</p>" in shown, "finder" in shown, "Run now" in shown) == (False, True, False)
    assert ana.fill(f"/{run}", f"/{run}/cancel").status == 303
    shown = ana.get(f"/{run}").text
    assert ("<p>None.</p>" in shown, "finder" in shown) == (True, False)
    assert ana.fill(f"/{run}", "/i/report/run").headers["location"] == "../../i/report"


def test_a_job_shares_places_by_a_key(house: House) -> None:
    ana = house.ana(scripts_on=True)
    given = {"kind": "script", "name": "Report", "schedule": "every 1h", "timezone": "UTC",
             "language": "bash", "source": "true", "concurrency_key": "back up"}  # fmt: skip
    assert 'id="concurrency_key-error"' in ana.fill("/new?kind=script", "/new", **given).text
    given |= {"concurrency_key": "erp", "concurrency_limit": "2"}
    assert ana.fill("/new?kind=script", "/new", **given).status == 303
    assert "<dt>At once</dt><dd>2 of all jobs with the key erp</dd>" in ana.get("/i/report").text
    path = "/i/report/edit"
    form = ana.get(path).text
    assert re.search('id="concurrency_key"[^>]* value="erp"', form)
    assert re.search('id="concurrency_limit"[^>]* value="2"', form)
    for most, told in (("0", "1 to 1000"), ("two", "whole number")):
        wrong = ana.fill(path, path, **given | {"concurrency_limit": most}).text
        assert told in wrong, most
        assert 'id="concurrency_limit-error"' in wrong
    assert ana.fill(path, path, **given | {"concurrency_key": ""}).status == 303
    assert "At once" not in ana.get("/i/report").text
    assert ana.fill(path, path, name="Report", schedule="every 2h", timezone="UTC").status == 303


def test_a_job_is_tried_again_as_its_form_says(house: House) -> None:
    ana = house.ana(scripts_on=True)
    given = {"kind": "script", "name": "Report", "schedule": "every 1h", "timezone": "UTC",
             "language": "bash", "source": "true", "action.timeout_s": "10 min",
             "max_attempts": "3", "backoff_s": "90 s", "overlap": "queue_one"}  # fmt: skip
    assert ana.fill("/new?kind=script", "/new", **given).status == 303
    page = ana.get("/i/report").text
    assert "<dt>Attempts</dt><dd>3, the second after 1 min 30 s</dd>" in page
    assert "<dt>Due while one runs</dt><dd>let one wait</dd>" in page
    assert "<dt>Time until it is given up</dt><dd>10 min</dd>" in page
    path = "/i/report/edit"
    form = ana.get(path).text
    assert re.search('id="backoff_s"[^>]* value="1 min 30 s"', form)
    assert '<option value="queue_one" selected>' in form
    kept = {"name": "Report", "schedule": "every 2h", "timezone": "UTC"}
    assert ana.fill(path, path, **kept).status == 303
    assert "3, the second after 1 min 30 s" in ana.get("/i/report").text
    assert 'id="max_attempts-error"' in ana.fill(path, path, **kept, max_attempts="0").text
    assert ana.fill(path, path, **kept, max_attempts="1", overlap="skip").status == 303
    assert "Attempts</dt>" not in ana.get("/i/report").text


def test_where_scripts_are_off_that_is_told(house: House, ana: Browser) -> None:
    given = {"kind": "script", "name": "Report", "schedule": "every 1h", "timezone": "UTC",
             "language": "bash", "source": "true"}  # fmt: skip
    answer = ana.fill("/new?kind=script", "/new", **given)
    assert answer.status == 403
    assert "switched off" in answer.text


NASTY = '"><script>alert(1)</script>'


def test_names_and_words_are_shown_as_they_are(house: House, ana: Browser) -> None:
    record = watch(house, NASTY, tags=(NASTY[:50],), description=NASTY)
    ping(house, record, body=NASTY, user_agent=NASTY)
    for path in ("/", f"/i/{record.slug}", f"/i/{record.slug}/delete"):
        page = ana.get(path).text
        assert "<script>" not in page
        assert "&lt;script&gt;alert(1)" in page


def test_times_since_are_told(house: House, ana: Browser) -> None:
    record = watch(house, "Nightly")
    ping(house, record)
    pass_time(house, 661)
    assert "Down since" in ana.get("/i/nightly").text


def test_an_item_is_edited(house: House, ana: Browser) -> None:
    ping(house, watch(house, "Nightly", start_by_s=90))
    given = {"name": "Nightly 2", "schedule": "0 2 * * *", "timezone": "Europe/Warsaw",
             "start_by_s": "1 min 30 s", "failures_before_down": "2", "tags": "db, prod",
             "description": "of the shop"}  # fmt: skip
    path = "/i/nightly/edit"
    assert 'value="1 min 30 s"' in ana.get(path).text
    assert ana.fill(path, path, **given).status == 303
    page = ana.get("/i/nightly").text
    assert "Nightly 2" in page
    assert "of the shop" in page
    assert "an alert 1 min 30 s later" in page
    wrong = ana.fill(path, path, **given | {"schedule": "61 * * * *", "start_by_s": "x"})
    assert wrong.status == 422
    assert 'id="start_by_s-error"' in wrong.text


def _handed(tx: Tx, at: datetime) -> str:
    """Have a run of the report hand something on."""
    own = workspaces.first(tx, at).id
    run = runs.trigger(tx, watches.find(tx, own, "report", lock=True), "", at)
    results.put(tx, own, run.id, output='{"rows": 3}', condition=False)
    return run.id


def test_an_address_is_asked_by_a_probe(house: House) -> None:
    ana = house.ana()
    given = {"kind": "request", "name": "Shop", "schedule": "every 1m", "timezone": "UTC",
             "url": "https://shop.example/", "action.held": "up"}  # fmt: skip
    assert ana.fill("/new?kind=request", "/new", **given).status == 303
    page = ana.get("/i/shop").text
    assert "</svg> probe</span></span></h1>" in page
    assert "https://shop.example/" in page
    assert "<dt>It is good if</dt><dd>the body contains" in page
    assert "Queued" in page  # it is asked at once
    assert "<button>Ask now</button>" in page
    assert ana.fill("/i/shop", "/i/shop/run").status == 409  # as it is being asked
    for address in (
        "tcp://db.example:5432",
        "tls://shop.example",
        "dns://a.example/mx",
        "icmp://a",
    ):
        kind = address.partition(":")[0]
        other = given | {"name": kind, "url": address, "action.held": ""}
        assert ana.fill("/new?kind=request", "/new", **other).status == 303, address
        assert f"<dt>Kind</dt><dd>{kind}</dd>" in ana.get(f"/i/{kind}").text


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("x", "Use one of https://"),
        ("ftp://x", "Use one of https://"),
        ("tcp://x:99999", "Use one of https://"),
        ("tcp://db.example", "Port: "),
        ("dns://a.example/up", "Type: "),
        ("https://", "host"),
    ],
)
def test_what_is_no_address_is_told_beside_it(house: House, url: str, told: str) -> None:
    given = {"kind": "request", "name": "Shop", "schedule": "every 1m", "timezone": "UTC"}
    wrong = house.ana().fill("/new?kind=request", "/new", **given, url=url)
    said = re.search('<p class="error" id="url-error">([^<]*)</p>', wrong.text)
    assert (wrong.status, told in (said[1] if said else "")) == (422, True)


def test_addresses_that_nothing_may_connect_to_are_refused(house: House) -> None:
    async def blocked(host: str, _named: bool) -> tuple[str, str] | None:
        return (host, "private") if host == "10.0.0.7" else None

    ana = house.ana(blocked=blocked)
    given = {"kind": "request", "name": "Shop", "schedule": "every 1m", "timezone": "UTC",
             "url": "http://10.0.0.7/"}  # fmt: skip
    new = ana.fill("/new?kind=request", "/new", **given)
    assert (new.status, "othing may connect to 10.0.0.7" in new.text) == (422, True)
    ana.fill("/new?kind=request", "/new", **given | {"url": "https://shop.example/"})
    changed = {"name": "Shop", "schedule": "every 2h", "timezone": "UTC", "start_by_s": "",
               "failures_before_down": "3"}  # fmt: skip
    edit = ana.fill("/i/shop/edit", "/i/shop/edit", **changed, **{"action.url": given["url"]})
    assert (edit.status, "othing may connect to 10.0.0.7" in edit.text) == (422, True)
    assert ana.fill("/i/shop/edit", "/i/shop/edit", **changed).status == 303
    hook = {"name": "Ops", "kind": "webhook", "settings.url": given["url"]}
    made = ana.fill("/alerts/channels/new?kind=webhook", "/alerts/channels/new", **hook)
    assert (made.status, "othing may connect to 10.0.0.7" in made.text) == (422, True)


def test_a_job_and_a_probe_are_edited(house: House) -> None:
    ana = house.ana(scripts_on=True)
    given = {"kind": "script", "name": "Report", "schedule": "every 1h", "timezone": "UTC",
             "language": "bash", "source": "echo hello"}  # fmt: skip
    assert ana.fill("/new?kind=script", "/new", **given).status == 303
    at, vault = house.clock.now(), house.services.vault
    demand = {"kind": "json", "path": "$.ok", "is": "equals", "value": True}
    target = {"kind": "http", "url": "https://shop.example/", "assertions": [demand]}

    def made(tx: Tx) -> None:
        spec = WatchSpec(name="Shop", schedule="every 5m", slow_after_ms=800)
        probes.add(tx, workspaces.first(tx, at).id, ProbeSpec(spec, target), vault, at)

    house.write(made)
    page = ana.get("/i/shop").text
    assert "<dt>It is good if</dt><dd>JSON $.ok is true</dd>" in page
    assert "<dt>Degraded above</dt><dd>800 ms</dd>" in page
    changed = {"schedule": "every 2h", "timezone": "UTC", "start_by_s": "",
               "failures_before_down": "3"}  # fmt: skip
    own = {
        "report": {"action.source": "echo other\r\necho more", "action.timeout_s": "1 min 30 s"},
        "shop": {
            "action.url": "https://shop.example/health",
            "action.method": "HEAD",
            "action.held": "fine",
        },
    }
    for slug, action in own.items():
        path = f"/i/{slug}/edit"
        assert ana.fill(path, path, name=slug.title(), **changed, **action).status == 303, slug
        assert "Every 2 hours" in ana.get(f"/i/{slug}").text
    report = ana.get("/i/report").text
    assert "<pre>echo other\necho more</pre>" in report
    assert "<dt>Time until it is given up</dt><dd>1 min 30 s</dd>" in report
    page = ana.get("/i/shop").text
    assert "https://shop.example/health" in page
    for words in ("the body contains &#39;fine&#39;", "JSON $.ok is true"):
        assert f"<dt>It is good if</dt><dd>{words}</dd>" in page
    kept = {"name": "Shop", **changed}
    assert 'value="fine"' in ana.get("/i/shop/edit").text
    assert ana.fill("/i/shop/edit", "/i/shop/edit", **kept, **{"action.held": ""}).status == 303
    assert "the body contains" not in ana.get("/i/shop").text
    wrong = ana.fill("/i/shop/edit", "/i/shop/edit", name="Shop", **changed, **{"action.url": "x"})
    assert (wrong.status, 'id="action.url-error"' in wrong.text) == (422, True)
    assert "Run now" in ana.get("/i/report").text
    run_id = house.write(lambda tx: _handed(tx, at))
    shown = ana.get(f"/runs/{run_id}").text
    assert "<dt>Output value</dt><dd><code>{&#34;rows&#34;: 3}</code></dd>" in shown
    assert "<dt>Condition</dt><dd>false</dd>" in shown
    assert "Run now" not in ana.get("/i/shop").text
    assert "probe" in ana.get("/", q="Shop").text
