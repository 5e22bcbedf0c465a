"""The page of alerts: who is told, how, and whether it really arrives."""

import re
from typing import Any

import pytest

from dogwatch.core.alerts import Attempt, Verdict
from dogwatch.core.ping import Kind
from dogwatch.core.policy import Role
from dogwatch.notify import CHANNELS
from dogwatch.usecases import audit_log, channels, telling
from dogwatch.usecases.telling import Answered, Room
from tests.notify.settings import GOOD
from tests.web.asgi_client import Answer
from tests.web.dashboard.conftest import (
    ORIGIN,
    Browser,
    House,
    member,
    ping,
    standing_in,
    watch,
    words,
)

NEW = "/alerts/channels/new"
HOOK = {"name": "Ops", "settings.url": "https://ops.example/in?token=abc"}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The URL of a fresh database; one kind of store is enough for words."""
    return sqlite_url


def hook(ana: Browser, **fields: str) -> str:
    """Make a webhook channel and return its id."""
    made = ana.fill(f"{NEW}?kind=webhook", NEW, **HOOK | {"all": "1"} | fields)
    assert made.status == 200, made.text
    return str(re.findall(r"alerts/channels/([0-9a-z]{26})/test", made.text)[0])


def answer(house: House, attempt: Attempt) -> None:
    """Let the courier get this answer to whatever is under way."""
    at, vault = house.clock.now(), house.services.vault

    def sent(tx: Any) -> None:
        parcels = telling.claim(tx, "node", at, Room(10, 10), vault, ORIGIN)
        telling.settle(tx, [Answered(one, attempt, 0.5) for one in parcels], at)

    house.write(sent)


def test_each_kind_has_a_form_of_its_own_fields(house: House, ana: Browser) -> None:
    kinds = ana.get(NEW).text
    for kind, channel in CHANNELS.items():
        assert f'href="?kind={kind}"' in kinds
        page = ana.get(NEW, kind=kind).text
        assert f"Tell by {channel.label}" in page
        for one in channel.fields:
            assert f'name="settings.{one.name}"' in page
            if one.secret and not one.many:
                assert re.search(f'name="settings.{one.name}" type="password"', page)


def test_a_webhook_shows_its_secret_once(house: House, ana: Browser) -> None:
    made = ana.fill(f"{NEW}?kind=webhook", NEW, **HOOK, all="1")
    assert "whsec_" in made.text
    page = ana.get("/alerts").text
    assert "whsec_" not in page
    assert "token=abc" not in page
    assert "Ops is told of all items: went down, recovered." in words(page)


def test_a_channel_tells_where_it_leads(house: House, ana: Browser) -> None:
    to = {"name": "Team", "settings.to": "ana@example.org\nbo@example.org"}
    assert ana.fill(f"{NEW}?kind=email", NEW, **to).status == 303
    assert "Team E-mail ✓ On ana@example.org, bo@example.org Test" in words(ana.get("/alerts").text)


def test_a_bad_setting_is_marked_and_secrets_are_not_repeated(house: House, ana: Browser) -> None:
    sent = {"name": "S", "settings.url": "https://evil.example/x"}
    answer = ana.fill(f"{NEW}?kind=slack", NEW, **sent)
    assert answer.status == 422
    assert 'id="settings.url-error"' in answer.text
    assert "evil.example" not in answer.text
    without = house.browser(mail_on=False)
    without.cookies = ana.cookies
    assert "No mail server is set" in without.get(NEW, kind="email").text
    assert without.fill(f"{NEW}?kind=email", NEW, name="M").status == 403


def test_a_test_tells_what_was_answered(house: House, ana: Browser) -> None:
    own = hook(ana)
    sent = ana.fill("/alerts", f"/alerts/channels/{own}/test")
    assert sent.status == 303
    path = "/" + sent.headers["location"].lstrip("./")
    waiting = ana.get(path).text
    assert "On its way" in waiting
    assert "data-live" in waiting
    answer(house, Attempt(Verdict.FAILED, 403, "403 Forbidden: no such hook", 90))
    page = ana.get(path).text
    assert "It was not taken : 403 Forbidden: no such hook" in words(page)
    assert f'href="../../alerts/channels/{own}/edit">Change Ops' in page
    assert "data-live" not in page


def test_the_last_messages_stand_with_what_became_of_them(house: House, ana: Browser) -> None:
    own = hook(ana)
    assert "Nothing was sent yet." in words(ana.get("/alerts").text)
    sent = ana.fill("/alerts", f"/alerts/channels/{own}/test").headers["location"]
    assert "Test: Test message Ops ◔ On its way" in words(ana.get("/alerts").text)
    answer(house, Attempt(Verdict.RETRY, 500, "HTTP 500", 90))
    assert re.search(r"▲ Not yet [-0-9: ]*: HTTP 500", words(ana.get("/alerts").text))
    house.clock.advance(60)
    answer(house, Attempt(Verdict.FAILED, 403, "403 Forbidden: no such hook", 90))
    page = ana.get("/alerts").text
    assert f'href="./alerts/deliveries/{sent.rpartition("/")[2]}"' in page
    told = re.findall(r"✕ It was not taken [-0-9]{10} [:0-9]{8} ?: .*no such hook", words(page))
    assert told, words(page)
    nightly = watch(house, "Nightly")
    for kind in (Kind.OK, Kind.FAIL):
        ping(house, nightly, kind=kind)
    answer(house, Attempt(Verdict.SENT, 200, "ok", 90))
    assert "Down: Nightly Ops ✓ It arrived" in words(ana.get("/alerts").text)


def test_open_pages_hear_of_each_answer_at_once(house: House, ana: Browser) -> None:
    own = hook(ana)
    path = "/" + ana.fill("/alerts", f"/alerts/channels/{own}/test").headers["location"].lstrip(
        "./"
    )
    woken: list[frozenset[str]] = []
    house.database.on_wake(woken.append)
    answer(house, Attempt(Verdict.RETRY, 503, "HTTP 503 come back later", 90))
    assert [one for one in woken if any(topic.startswith("page.") for topic in one)] != []
    page = ana.get(path).text
    assert "Not yet : HTTP 503 come back later; it is tried again." in words(page)
    assert "data-live" in page


def settings(house: House, own: str) -> dict[str, Any]:
    """Return the settings of a channel as the courier has them."""
    row = house.database.read(lambda tx: channels.channel_by_id(tx, 1, own)).result()
    return channels.unsealed(house.services.vault, row)


def saved(ana: Browser, own: str, **changes: str | None) -> Answer:
    """Load the form of a channel, change some fields (None: not ticked) and send it."""
    path = f"/alerts/channels/{own}/edit"
    given: dict[str, str | None] = {**standing_in(ana.get(path).text, path), **changes}
    return ana.post(path, **{name: value for name, value in given.items() if value is not None})


@pytest.mark.parametrize("kind", sorted(GOOD))
def test_a_channel_is_changed_in_the_form_it_was_made_in(
    house: House, ana: Browser, kind: str
) -> None:
    """What is not touched stays, secrets too, which are never shown."""
    split, vault, at = CHANNELS[kind].check(GOOD[kind]), house.services.vault, house.clock.now()
    own = house.write(
        lambda tx: channels.add_channel(
            tx, 1, "Ops", kind, split.public, split.secret, vault, at, 90
        )
    ).id
    assert f'href="./alerts/channels/{own}/edit">Edit' in ana.get("/alerts").text
    page = ana.get(f"/alerts/channels/{own}/edit").text
    before, hidden = settings(house, own), {str(one) for one in split.secret.values()}
    assert [one for one in hidden if one in page] == []
    shown = standing_in(page, f"/alerts/channels/{own}/edit")
    for name, value in split.public.items():
        told = "\n".join(value) if isinstance(value, list) else value
        assert shown[f"settings.{name}"] == told, name
    assert [shown[f"settings.{name}"] for name in split.secret] == [""] * len(split.secret)
    assert page.count("what is there stays") == sum(map(bool, split.secret.values()))
    answer = saved(ana, own, name=" Night ")
    assert (answer.status, answer.headers.get("location")) == (303, "../../../alerts")
    assert settings(house, own) == before
    row = house.database.read(lambda tx: channels.channel_by_id(tx, 1, own)).result()
    assert (row.name, row.group_window_s) == ("Night", 90)


def test_what_is_changed_of_a_channel_counts_from_then_on(house: House, ana: Browser) -> None:
    """For what waits, too; an answer to the old settings switches nothing off."""
    own = hook(ana)
    (secret,) = settings(house, own)["secrets"]
    for _ in range(2):
        ana.fill("/alerts", f"/alerts/channels/{own}/test")
    at, vault = house.clock.now(), house.services.vault
    waits, goes = house.write(lambda tx: telling.claim(tx, "n", at, Room(9, 9), vault, ORIGIN))
    refused, gone = (
        Attempt(verdict, None, "no", 9) for verdict in (Verdict.RETRY, Verdict.DISABLE)
    )
    house.write(lambda tx: telling.settle(tx, [Answered(waits, refused, 0.5)], at))
    changes = {"settings.url": "https://ops.example/new?token=***", "group_window_s": "0"}
    assert saved(ana, own, **changes).status == 303
    assert settings(house, own) == {
        "url": "https://ops.example/new?token=abc", "format": "standard", "secrets": [secret]
    }  # fmt: skip
    house.write(lambda tx: telling.settle(tx, [Answered(goes, gone, 0.5)], at))
    house.clock.advance(60)
    later = house.clock.now()
    (again,) = house.write(lambda tx: telling.claim(tx, "n", later, Room(9, 9), vault, ORIGIN))
    assert (again.delivery.id, again.settings["url"]) == (
        waits.delivery.id, "https://ops.example/new?token=abc"
    )  # fmt: skip
    assert "✓ On" in words(ana.get("/alerts").text)


def test_a_channel_is_told_of_all_or_not_as_its_form_says(house: House, ana: Browser) -> None:
    own, told = hook(ana), "Ops is told of all items: went down, recovered."
    edit = f"/alerts/channels/{own}/edit"
    for all_items, count in (("1", 1), (None, 0), (None, 0), ("1", 1), ("1", 1)):
        assert saved(ana, own, all=all_items).status == 303
        assert words(ana.get("/alerts").text).count(told) == count
        assert ("all" in standing_in(ana.get(edit).text, edit)) is bool(all_items)
    rule = re.findall(r"alerts/(rules/[0-9a-z]{26}/edit)", ana.get(edit).text)[0]
    assert rule in ana.get("/alerts").text
    entries = house.database.read(lambda tx: audit_log.page(tx, 1, 5)).result()
    assert [(one.operation, one.object) for one in entries] == [("channels.change", own)] * 5
    assert "settings.url" in entries[0].detail["fields"]
    assert "token" not in entries[0].detail["fields"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": " "}, "name"),
        ({"settings.server_url": "x"}, "settings.server_url"),
        ({"settings.server_url": "https://other.example"}, "settings.topic"),
        ({"settings.server_url": ""}, "settings.topic"),  # to the usual server
        ({"settings.topic": "no such"}, "settings.topic"),
        ({"group_window_s": "soon"}, "group_window_s"),
        ({"group_window_s": "2 h"}, "group_window_s"),
    ],
)
def test_a_bad_field_of_a_channel_is_marked_and_nothing_is_changed(
    house: House, ana: Browser, wrong: dict[str, str], field: str
) -> None:
    ours = {"settings.server_url": "https://ours.example", "settings.topic": "s3cret-topic"}
    assert ana.fill(f"{NEW}?kind=ntfy", NEW, name="Push", **ours).status == 303
    own = str(re.findall(r"alerts/channels/([0-9a-z]{26})/test", ana.get("/alerts").text)[0])
    before = settings(house, own)
    answer = saved(ana, own, **wrong)
    assert answer.status == 422
    assert f'id="{field}-error"' in answer.text
    assert "s3cret" not in answer.text
    shown = standing_in(answer.text, f"/alerts/channels/{own}/edit")
    assert shown | wrong | {"settings.topic": ""} == shown
    assert (settings(house, own), "Push" in ana.get("/alerts").text) == (before, True)


def test_a_secret_is_taken_out_or_made_anew(house: House, ana: Browser) -> None:
    own = hook(ana)
    (old,) = settings(house, own)["secrets"]
    signs = saved(ana, own, **{"drop.secrets": "1"}).text
    (new,) = settings(house, own)["secrets"]
    assert (new != old, new in signs, old in signs) == (True, True, False)
    assert saved(ana, own, **{"settings.secrets": f"***\n{old}"}).status == 200
    assert settings(house, own)["secrets"] == [new, old]
    house.clock.advance(1)  # what is made later stands last
    given = {"settings.topic": "s3cret", "settings.token": "tk_1"}
    assert ana.fill(f"{NEW}?kind=ntfy", NEW, name="Push", **given).status == 303
    push = re.findall(r"alerts/channels/([0-9a-z]{26})/test", ana.get("/alerts").text)[-1]
    assert saved(ana, push, **{"drop.token": "1"}).status == 303
    assert settings(house, push) == {"server_url": "https://ntfy.sh", "topic": "s3cret"}


def test_it_is_switched_off_and_on(house: House, ana: Browser) -> None:
    own = hook(ana)
    assert ana.fill("/alerts", f"/alerts/channels/{own}/disable").status == 303
    assert "Switched off." in ana.get("/alerts").text
    record = watch(house, "Nightly")
    page = words(ana.get("/alerts", item="nightly").text)
    assert "Ops is not told: the channel is off (switched off)." in page
    assert "It tells by Webhook. It is off: switched off." in words(
        ana.get(f"/alerts/channels/{own}/edit").text
    )
    for on, count in ((None, 0), ("1", 1)):
        assert saved(ana, own, on=on).status == 303
        assert words(ana.get("/alerts").text).count("✓ On") == count
    assert ana.fill("/alerts", f"/alerts/channels/{own}/disable").status == 303
    assert ana.fill("/alerts", f"/alerts/channels/{own}/enable").status == 303
    assert record.slug in words(ana.get("/alerts", item="nightly").text)


def test_deleting_asks_and_names_what_uses_it(house: House, ana: Browser) -> None:
    own = hook(ana)
    page = words(ana.get(f"/alerts/channels/{own}/delete").text)
    assert "1 rule uses it: all items: went down, recovered" in page
    watch(house, "Nightly")
    given = {"channel_id": own, "event_late": "1", "scope": "watches", "values": "nightly"}
    assert ana.fill("/alerts/rules/new", "/alerts/rules/new", **given).status == 303
    page = words(ana.get(f"/alerts/channels/{own}/delete").text)
    assert "2 rules use it:" in page
    assert "only nightly: was late" in page
    path = f"/alerts/channels/{own}/delete"
    assert ana.fill(path, path).status == 303
    assert "Nobody is told of anything yet" in ana.get("/alerts").text
    assert ana.get(path).status == 404


def test_a_rule_is_made_and_removed(house: House, ana: Browser) -> None:
    own = hook(ana)
    watch(house, "Nightly")
    house.clock.advance(1)  # what is made later stands last
    given = {"channel_id": own, "event_late": "1", "scope": "watches", "values": "nightly",
             "delay_s": "5", "repeat_s": "60", "quiet_start": "22:00", "quiet_end": "07:00",
             "timezone": "Europe/Warsaw"}  # fmt: skip
    assert ana.fill("/alerts/rules/new", "/alerts/rules/new", **given).status == 303
    page = words(ana.get("/alerts").text)
    told = ("Ops is told of only nightly: was late; if it lasts 5 min; "
            "not from 22:00 to 07:00 Europe/Warsaw; again every 1 h.")  # fmt: skip
    assert told in page
    first = re.findall(r'action="\./(alerts/rules/[^"]*)"', ana.get("/alerts").text)[0]
    edit = "/" + re.findall(r'href="\./(alerts/rules/[^"]*/edit)"', ana.get("/alerts").text)[-1]
    form = ana.get(edit).text
    assert 'value="22:00"' in form
    assert 'value="nightly"' in form
    assert ana.fill(edit, edit, **given | {"repeat_s": "", "event_down": "1"}).status == 303
    page = words(ana.get("/alerts").text)
    changed = told.replace("was late", "went down, was late").replace("; again every 1 h", "")
    assert changed in page
    assert ana.fill(edit, edit, **given | {"delay_s": "x"}).status == 422
    assert ana.fill("/alerts", f"/{first}").status == 303
    assert page.count("is told of") > words(ana.get("/alerts").text).count("is told of")


def test_a_rule_tells_another_where_nobody_acknowledges(house: House, ana: Browser) -> None:
    first, chief = hook(ana), hook(ana, name="Chief")
    new, given = "/alerts/rules/new", {"channel_id": first, "event_down": "1", "scope": "all"}
    asked = given | {"escalate_to": chief, "escalate_s": "15"}
    house.clock.advance(1)  # what is made later stands last
    assert ana.fill(new, new, **asked).status == 303
    told, page = "Chief besides, if nobody acknowledges within 15 min.", ana.get("/alerts").text
    assert told in words(page)
    edit = "/" + re.findall(r'href="\./(alerts/rules/[^"]*/edit)"', page)[-1]
    form = ana.get(edit).text
    assert f'<option value="{chief}" selected>Chief' in form
    assert re.search('name="escalate_s"[^>]* value="15 min"', form)
    assert ana.fill(edit, edit, **given).status == 303  # what is not asked stays
    assert told in words(ana.get("/alerts").text)
    assert ana.fill(edit, edit, **given, escalate_to="").status == 303
    assert told not in words(ana.get("/alerts").text)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"scope": "tags", "values": ""}, "values"),
        ({"scope": "watches", "values": "none-such"}, "values"),
        ({"values": "db"}, "values"),
        ({"repeat_s": "0"}, "repeat_s"),
        ({"delay_s": "soon"}, "delay_s"),
        ({"quiet_start": "22:00"}, "quiet_end"),
        ({"digest": "25:00"}, "digest"),
        ({"escalate_s": "15"}, "escalate_to"),
        ({"escalate_to": "x"}, "escalate_s"),
    ],
)
def test_a_bad_field_of_a_rule_is_marked(
    house: House, ana: Browser, wrong: dict[str, str], field: str
) -> None:
    own = hook(ana)
    given = {"channel_id": own, "event_down": "1", "scope": "all"} | wrong
    answer = ana.fill("/alerts/rules/new", "/alerts/rules/new", **given)
    assert answer.status == 422
    assert f'id="{field}-error"' in answer.text


def test_a_rule_that_is_made_again_is_remarked_upon(house: House, ana: Browser) -> None:
    own = hook(ana)
    remark = "A rule above sends the same already."
    for delay, count in (("", 0), ("5", 1)):
        given = {"channel_id": own, "event_down": "1", "scope": "all", "delay_s": delay}
        assert ana.fill("/alerts/rules/new", "/alerts/rules/new", **given).status == 303
        assert ana.get("/alerts").text.count(remark) == count


def test_a_rule_of_nothing_or_nobody_is_refused(house: House, ana: Browser) -> None:
    own = hook(ana)
    path = "/alerts/rules/new"
    assert "Tick one at least" in ana.fill(path, path, channel_id=own).text
    nobody = ana.fill(path, path, channel_id="x", event_down="1")
    assert "There is no such channel" in nobody.text


def test_who_would_be_told(house: House, ana: Browser) -> None:
    hook(ana)
    watch(house, "Nightly")
    page = words(ana.get("/alerts", item="nightly").text)
    assert "went down Ops is told at once." in page
    assert "was late Nobody: no rule sends this." in page
    assert ana.get("/alerts", item="none-such").status == 404


def test_a_window_silences(house: House, ana: Browser) -> None:
    hook(ana)
    ping(house, watch(house, "Nightly"))
    path = "/alerts/maintenance/new"
    given = {"name": "Move", "start_at": "2026-01-01T00:00", "end_at": "2026-02-01T00:00"}
    assert ana.fill(path, path, **given, scope="all").status == 303
    page = words(ana.get("/alerts", item="nightly").text)
    assert "Silenced until 2026-02-01 00:00" in page
    assert "Ops is told at 2026-02-01 00:00 UTC: maintenance: Move." in page
    one = re.findall(r'action="\./(alerts/maintenance/[^"]*)"', ana.get("/alerts").text)[0]
    assert ana.fill("/alerts", f"/{one}").status == 303
    assert "Move" not in ana.get("/alerts").text


def test_windows_recur(house: House, ana: Browser) -> None:
    path = "/alerts/maintenance/new"
    weekly = {"name": "Sundays", "day_sun": "1", "start": "02:00", "duration_s": "90"}
    assert ana.fill(f"{path}?kind=weekly", path, **weekly).status == 303
    cron = {"name": "Nights", "cron": "0 2 * * *", "duration_s": "30"}
    assert ana.fill(f"{path}?kind=cron", path, **cron).status == 303
    page = words(ana.get("/alerts").text)
    assert "on sun at 02:00 UTC, for 1 h 30 min" in page
    assert "by cron 0 2 * * * (UTC), for 30 min" in page
    wrong = ana.fill(f"{path}?kind=weekly", path, **weekly | {"day_sun": "1", "start": "x"})
    assert 'id="start-error"' in wrong.text
    assert ana.fill(path, path, name="x", start_at="x", end_at="y").status == 422


def test_a_viewer_sees_no_alerts_and_changes_none(house: House, ana: Browser) -> None:
    own = hook(ana)
    viewer = member(house, Role.VIEWER)
    front = viewer.get("/").text
    assert 'data-key="a"' not in front
    token = re.findall(r'name="token" value="([^"]*)"', front)[0]
    assert viewer.get("/alerts").status == 403
    verbs = ("test", "edit", "enable", "delete")
    for path in (NEW, "/alerts/rules/new", "/alerts/maintenance/new",
                 *(f"/alerts/channels/{own}/{verb}" for verb in verbs),
                 f"/alerts/rules/{own}/delete", f"/alerts/maintenance/{own}/delete"):  # fmt: skip
        assert viewer.post(path, token=token, kind="webhook", name="x").status == 403, path


def test_a_miss_is_rehearsed(house: House, ana: Browser) -> None:
    hook(ana)
    record = watch(house, "Nightly", description="Runbook: /wiki/nightly")
    ping(house, record, kind="start")
    house.clock.advance(4)
    ping(house, record)
    assert "Rehearse a miss" in ana.get("/alerts", item="nightly").text
    done = ana.fill("/alerts?item=nightly", "/alerts/rehearse")
    assert (done.status, "A rehearsal is on its way" in done.text) == (200, True)
    link = re.findall(r"alerts/deliveries/[0-9a-z]{26}", done.text)[0]
    assert ana.get(f"/{link}").status == 200
    at, vault = house.clock.now(), house.services.vault
    (parcel,) = house.write(lambda tx: telling.claim(tx, "n", at, Room(9, 9), vault, "http://x"))
    message = parcel.message
    assert (message.rehearsal, message.event, message.ack_url) == (True, "down", "")
    assert message.key == parcel.delivery.id
    first = message.first
    assert (first.last_ok_ms, first.about) == (4000, "Runbook: /wiki/nightly")
    assert (first.watch_id, first.status, first.expected_at) == ("", "down", None)
    assert "Nothing has broken" in ana.get("/incidents").text
    wrong = ana.fill("/alerts?item=nightly", "/alerts/rehearse", item="nobody")
    assert wrong.status == 404


def test_an_item_that_is_not_there_is_told_in_the_form(house: House, ana: Browser) -> None:
    watch(house, "Backup")
    page = ana.get("/alerts", item="nope")
    assert page.status == 404
    assert re.search(r'id="item-error">There is no watch &#39;nope&#39;', page.text)
    assert '<option value="backup">' in page.text
    assert "Rehearse a miss" not in page.text
    assert 'id="item-error"' not in ana.get("/alerts", item="backup").text
