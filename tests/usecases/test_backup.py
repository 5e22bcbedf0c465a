"""Backup and restore, within and across the two databases; restored, nothing old is done."""

import itertools
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import time
from pathlib import Path

import pytest

from dogwatch.core.alerts import Event, Rule, Scope, Verdict
from dogwatch.core.conditional import ConditionalAction, On
from dogwatch.core.decision import Held
from dogwatch.core.ping import Kind
from dogwatch.core.problems import Problem
from dogwatch.core.result import Outcome
from dogwatch.core.run import Overlap
from dogwatch.core.windows import Digest, Quiet, WindowSpec
from dogwatch.store.backup import LEFT_OUT
from dogwatch.store.database import Database, Tx
from dogwatch.store.nodes import RESTORED
from dogwatch.usecases import (
    backup,
    channels,
    dependencies,
    environments,
    incidents,
    maintenance,
    runs,
    timers,
)
from dogwatch.usecases.backup import Head
from dogwatch.usecases.resting import Rested, lay_to_rest
from tests.harness.flowing import Flowing
from tests.harness.house import NOON, House, after, heard
from tests.harness.lived import lived_in
from tests.harness.postgres import PostgresServer
from tests.harness.probing import Probing

Fresh = Callable[[str], Database]
MADE = 700
_names = itertools.count(1)


@pytest.fixture
def fresh(
    migrated_postgres: PostgresServer, migrated_sqlite: Path, tmp_path: Path
) -> Iterator[Fresh]:
    """Opens empty databases of either kind."""
    with ExitStack() as stack:

        def opened(kind: str) -> Database:
            name = f"fresh_{next(_names)}"
            if kind == "sqlite":
                path = tmp_path / name / "dogwatch.db"
                path.parent.mkdir(mode=0o700)
                shutil.copy(migrated_sqlite, path)
                url = f"sqlite:///{path}"
            else:
                url = migrated_postgres.create(name, "dogwatch_template")
                stack.callback(migrated_postgres.drop, name)
            database = Database.open(url)
            stack.callback(database.close)
            return database

        yield opened


def copied(house: House) -> list[str]:
    """Return the lines of a copy."""
    return house.see(lambda tx: list(backup.copy(tx, "0001", None, after(MADE))))


def restored(database: Database, lines: list[str]) -> int:
    """Restore into a database."""
    Head.read(lines[0])
    return database.write(lambda tx: backup.restore(tx, lines[1:])).result(30)


def kept(house: House) -> dict[str, list[dict[str, object]]]:
    """Return what a copy holds."""
    return {name: rows for name, rows in house.everything().items() if name not in LEFT_OUT}


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_every_row_comes_back_as_it_was(house: House, fresh: Fresh, target: str) -> None:
    lines = copied(lived_in(house))
    database = fresh(target)
    count = restored(database, lines)
    again = House(database)
    assert kept(again) == kept(house)
    assert count == sum(map(len, kept(house).values()))
    empty = {name for name, rows in kept(house).items() if not rows}
    assert empty <= {"idempotency"}
    assert [again.rows(name) for name in sorted(LEFT_OUT)] == [[], [], []]
    assert house.rows("sessions")


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_a_restored_store_acts_on_nothing_old_and_goes_on(
    house: House, fresh: Fresh, target: str
) -> None:
    database = fresh(target)
    restored(database, copied(lived_in(house)))
    database.write(lambda tx: lay_to_rest(tx, after(MADE), after(5_000))).result(30)
    again = House(database)
    gap = again.join("new", 5_010, alone=True)
    assert gap is not None
    assert (again.parcels(5_010), again.claim(5_010, "new"), again.fire(5_010)) == ([], [], 0)
    assert {row["state"] for row in again.rows("deliveries")} == {"failed"}
    assert again.slots() == [(60, "ok"), *((at, "unknown") for at in range(120, 5_001, 60))]
    assert again.lapse(5_020) <= 1
    assert len(again.rows("flips")) == len(house.rows("flips"))
    assert again.audit(5_020) == []
    again.fire(5_040)
    again.finish(again.claim(5_040, "new")[0], 5_041)
    again.ping(heard(again.find("one"), 5_042))
    assert [parcel.delivery.event for parcel in again.parcels(5_043)] == ["recovered"]
    again.watch("new")
    assert again.audit(5_050) == []


def in_trouble(house: House) -> House:
    """Leave alerts held for many reasons, an incident that is snoozed, and a probe in its turn."""
    house.channel("night", Rule("", "", quiet=Quiet(time(12), time(14))))
    house.channel("digest", Rule("", "", digest=Digest(time(13))))
    house.channel("delay", Rule("", "", delay_s=3000))
    group = house.channel("group")
    house.do(channels.regroup, group, 900)
    house.channel("pager", Rule("", "", repeat_s=600))
    house.channel("clock", Rule("", "", frozenset({Event.LATE})))
    for number, name in enumerate(("shop", "slow", "flaps")):
        record = house.watch(name, project=f"p{number}", schedule="1d")
        house.ping(heard(record, 0), heard(record, 1, Kind.FAIL))
    for parcel in house.parcels(2):
        house.settle(parcel, 2, Verdict.SENT)
    for trouble in ("2", "3"):
        house.do(incidents.snooze, house.workspace.id, trouble, "Ana", 9_000, after(10))
    window = WindowSpec("once", start_at=after(0), end_at=after(6_000))
    tagged = Scope("tags", frozenset({"moved"}))
    house.do(maintenance.add, house.workspace.id, "Moving", tagged, window, after(0))
    for name in ("moved", "behind"):
        house.watch(name, project=name, tags=(name,), schedule="1d")
    house.do(dependencies.set_parents, house.workspace.id, "behind", ["shop"], after(3))
    for name in ("moved", "behind"):
        house.ping(heard(house.find(name), 4, Kind.FAIL))
    flaps = house.find("flaps")
    house.ping(heard(flaps, 20), heard(flaps, 30, Kind.FAIL))
    house.ping(heard(house.watch("punctual", at=601), 602))
    web = Probing(house)
    web.make("web", schedule="300")
    web.ask(300)
    return house


def heard_of(house: House, at: float) -> list[str]:
    """Do what is due and send it; return which channel was told of which watch."""
    house.do(timers.step, after(at))
    told = []
    for parcel in house.parcels(at):
        house.settle(parcel, at, Verdict.SENT)
        told.append(f"{parcel.channel.name}: {house.find(parcel.delivery.watch_id or '').slug}")
    return sorted(told)


def test_what_was_held_is_laid_to_rest_and_open_trouble_goes_on(fresh: Fresh) -> None:
    house = in_trouble(House(fresh("sqlite")))
    held = {row["hold"] for row in house.rows("deliveries")}
    assert held == {*map(str, Held), None}
    database = fresh("sqlite")
    restored(database, copied(house))
    database.write(lambda tx: lay_to_rest(tx, after(MADE), after(5_000))).result(30)
    again = House(database)
    assert again.audit(5_000) == []
    before, now = house.rows("deliveries"), again.rows("deliveries")
    rested = {"held": "failed", "pending": "failed"}
    assert [one["state"] for one in now] == [
        rested.get(one["state"], one["state"]) for one in before
    ]
    assert {one["hold"] for one in now} == {None}
    again.join("new", 5_010, alone=True)
    again.lapse(5_100)
    times = (5_100, 5_401, 5_599, 5_600, 6_200, 9_009, 9_010)
    assert [(at, told) for at in times if (told := heard_of(again, at))] == [
        (5_401, ["clock: punctual"]),
        (5_600, ["pager: behind", "pager: flaps", "pager: shop"]),  # as often as the rule says
        (6_200, ["pager: behind", "pager: flaps", "pager: moved", "pager: shop"]),
        (9_009, ["pager: behind", "pager: flaps", "pager: moved", "pager: shop"]),
        (9_010, ["delay: slow", "digest: slow", "night: slow", "pager: slow"]),  # as ever
    ]
    again.ping(heard(again.find("shop"), 9_011))
    Probing(again).ask(9_011)
    assert again.audit(9_011) == []


def test_a_restored_probe_is_asked_by_turns(fresh: Fresh) -> None:
    house = in_trouble(House(fresh("sqlite")))
    database = fresh("sqlite")
    restored(database, copied(house))
    database.write(lambda tx: lay_to_rest(tx, after(MADE), after(5_000))).result(30)
    again = House(database)
    assert [row["next_at"] for row in again.rows("jobs")] == [None]
    again.join("new", 5_010, alone=True)
    slot_at = again.find("web").watch.slot_at
    assert slot_at
    assert {row["due_at"] for row in again.rows("probes")} == {slot_at}
    assert after(5_000) < slot_at <= after(5_300)
    web, at = Probing(again), (slot_at - NOON).total_seconds()
    again.lapse(at - 1)
    assert (again.fire(at), web.ask(at - 1), web.ask(at)) == (0, 0, 1)
    assert (web.status("web"), again.slots("web")[-1]) == ("up", (at, "ok"))
    assert "missed" not in {outcome for _, outcome in again.slots("web")}
    assert again.audit(at + 1) == []


def test_what_came_between_copy_and_restore_blames_nobody(fresh: Fresh) -> None:
    """However short that was: on PostgreSQL, other nodes' beats would otherwise vouch for it."""
    house = House(fresh("sqlite"))
    house.watch("one", schedule="every 2s", start_by_s=1)
    house.ping(heard(house.find("one"), 0))
    database = fresh("postgresql")
    restored(database, house.see(lambda tx: list(backup.copy(tx, "0001", None, after(1)))))
    database.write(lambda tx: lay_to_rest(tx, after(1), after(2))).result(30)
    again = House(database)
    assert again.join("new", 3) is not None
    assert again.lapse(5) == 1
    assert again.flips("one") == [("new", "up")]


def under_way(house: House) -> list[str]:
    """Have runs in the middle of whatever they can be; return those of workflows, oldest first."""
    flowing = Flowing(house)
    house.job("job-c", schedule=None, kind="script", max_attempts=3, backoff_s=3_600)
    flowing.make("a>b, a>c, b>d", schedule="0 * * * *", overlap=Overlap.ALLOW)
    first = flowing.trigger()
    flowing.finish(flowing.claim(1)["a"], 2)
    works = flowing.claim(3)
    flowing.finish(works["c"], 4, Outcome.FAIL)  # it waits for its next attempt, and b runs
    second, third = flowing.trigger(at=5), house.trigger("flow", 6)
    house.job("last", schedule=None, kind="script", max_runs=1)
    alone = house.trigger("last", 6)
    house.do(environments.give, house.vault, alone.workspace_id, alone.id, {"WHO": "Ana"})
    house.job("acts", schedule=None, kind="script")
    flowing.acts("acts", ConditionalAction(On.ALWAYS, run="job-a"))
    house.trigger("acts", 7)
    (work,) = [one for one in house.claim(8, lane="script") if one.slug == "acts"]
    house.finish(work, 9)
    loose, slow = house.watch("loose", schedule=None), house.watch("slow", finish_by_s=9_000)
    lost = house.watch("lost", finish_by_s=9_000, schedule="1d")
    house.ping(*(heard(loose, at, Kind.START, rid=f"r{at}") for at in (10, 11)))
    house.ping(heard(slow, 12, Kind.START), heard(lost, 12, Kind.START))
    return [first.id, second.id, third.id]


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_what_was_under_way_ends_and_nothing_follows_it(fresh: Fresh, target: str) -> None:
    house = House(fresh("sqlite"))
    ids = under_way(house)
    assert house.audit(20) == []
    database = fresh(target)
    restored(database, copied(house))
    told = database.write(lambda tx: lay_to_rest(tx, after(MADE), after(5_000))).result(30)
    again = House(database)
    again.join("new", 5_010, alone=True)
    flowing = Flowing(again)
    assert (flowing.conduct(5_010), flowing.claim(5_010), again.rows("tasks")) == (0, {}, [])
    whole = [again.see(runs.find, again.workspace.id, own) for own in ids]
    ends = [(run.outcome, run.reason, run.finished_at) for run in whole]
    assert ends == [("unknown", RESTORED, after(MADE))] * 3
    trees = [flowing.told(run) for run in whole]
    assert trees == [
        "a ok, b unknown, c unknown, d skipped",
        "a unknown, b skipped, c skipped, d skipped",
        "a -, b -, c -, d -",
    ]
    (effect,) = again.rows("effects")
    assert (effect["state"], effect["reason"]) == ("refused", f"{RESTORED}: not done")
    assert again.find("last").watch.status == "paused"  # it has had all its runs
    assert again.rows("environments") == []
    assert told == Rested(runs=9, alerts=0, actions=1)
    noted = again.rows("audit_log")[-1]
    assert (noted["operation"], noted["detail"]["runs"]) == ("instance.restore", 9)
    assert again.audit(5_010) == []
    again.fire(7_200)
    flowing.conduct(7_200)
    assert flowing.play(7_201) == ["a", "b", "c", "d"]
    assert again.slots("flow")[:2] == [(3_600, "unknown"), (7_200, "ok")]
    assert again.audit(7_201) == []


def test_whoever_runs_it_elsewhere_may_still_tell_its_end(fresh: Fresh) -> None:
    house = House(fresh("sqlite"))
    under_way(house)
    database = fresh("sqlite")
    restored(database, copied(house))
    database.write(lambda tx: lay_to_rest(tx, after(MADE), after(5_000))).result(30)
    again = House(database)
    again.join("new", 5_010, alone=True)
    slow, loose = again.find("slow"), again.find("loose")
    assert not loose.watch.running  # else it would, for ever
    again.ping(heard(slow, 6_000), heard(loose, 6_001, Kind.FAIL, rid="r10"))
    assert again.slots("slow") == [(None, "ok")]
    assert again.flips("loose") == [("new", "down")]
    again.lapse(9_100)
    assert (again.slots("lost"), again.flips("lost")) == ([(None, "unknown")], [])
    assert all(row["outcome"] for row in again.rows("runs"))


def test_what_was_told_the_old_store_is_missed_by_nobody(fresh: Fresh) -> None:
    """A window that was open when the copy was made, and one that opened before the restore."""
    house = House(fresh("sqlite"))
    for name, schedule in (("due", "10 12 * * *"), ("early", "40 13 * * *")):
        watch = house.watch(name, schedule=schedule, start_by_s=3_600, early_s=3_600)
        house.ping(heard(watch, -4_000))
    assert house.find("due").watch.slot_at == after(600)
    database = fresh("sqlite")
    restored(database, copied(house))
    database.write(lambda tx: lay_to_rest(tx, after(MADE), after(5_000))).result(30)
    again = House(database)
    again.join("new", 5_010, alone=True)
    again.lapse(9_700)
    for name, slot_at in (("due", 600), ("early", 6_000)):
        assert again.slots(name)[0] == (slot_at, "unknown")
        assert again.flips(name) == [("new", "up")]
    again.lapse(86_400 + 9_700)
    assert [again.flips(name)[-1] for name in ("due", "early")] == [("up", "down")] * 2
    assert again.audit(86_400 + 9_700) == []


def test_new_rows_count_on_from_the_restored_ones(house: House, fresh: Fresh) -> None:
    database = fresh("postgresql")
    restored(database, copied(lived_in(house)))
    again = House(database)
    highest = max(row["id"] for row in again.rows("pings"))
    again.ping(heard(again.find("one"), 800))
    assert max(row["id"] for row in again.rows("pings")) == highest + 1


def test_a_copy_is_one_snapshot(house: House) -> None:
    """What is written while it is made is not in it."""
    lived_in(house)

    def copy(tx: Tx) -> list[str]:
        lines = backup.copy(tx, "0001", None, after(MADE))
        first = [next(lines), next(lines)]
        house.watch("later")
        return [*first, *lines]

    lines = house.see(copy)
    assert not any("later" in line for line in lines)
    assert len(house.rows("watches")) == 4


def damaged(lines: list[str]) -> dict[str, list[str]]:
    """Return copies that are not whole, by what is wrong."""
    row = next(n for n, line in enumerate(lines) if line.startswith('["runs"'))
    name, values = json.loads(lines[row])
    return {
        "its end is missing": lines[:-1],
        "a row is missing": lines[:row] + lines[row + 1 :],
        "a row is doubled": lines[: row + 1] + lines[row:],
        "it is only a head": lines[:1],
        "a line is cut": [*lines[:row], lines[row][:-9], *lines[row + 1 :]],
        "a line is no row": [*lines[:row], "5", *lines[row + 1 :]],
        "a line is a word": [*lines[:row], '["runs"]', *lines[row + 1 :]],
        "its end has no number": [*lines[:-1], "{}"],
        "a table is unknown": [*lines[:row], '["nothing",{}]', *lines[row + 1 :]],
        "a column is unknown": [
            *lines[:row], json.dumps([name, values | {"x": 1}]), *lines[row + 1 :],
        ],
        "a column is missing": [
            *lines[:row], json.dumps([name, {"id": values["id"]}]), *lines[row + 1 :],
        ],
        "bytes are no base64": [
            line.replace('"base64":"', '"base64":"!') if line.startswith('["keys"') else line
            for line in lines
        ],
    }  # fmt: skip


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_a_copy_that_is_not_whole_is_refused(fresh: Fresh, target: str) -> None:
    lines = copied(lived_in(House(fresh("sqlite"))))  # a copy is the same from either kind
    database = fresh(target)
    for wrong, cut in damaged(lines).items():
        with pytest.raises(Problem, match="backup") as caught:
            restored(database, cut)
        assert caught.value.kind == "invalid", wrong
    assert restored(database, lines) > 0


@pytest.mark.parametrize("line", ["", "{", "[]", "5", "{}", '{"form":1}', '{"rows":3}'])
def test_a_file_that_is_no_copy_is_refused(line: str) -> None:
    with pytest.raises(Problem, match="no Dogwatch backup"):
        Head.read(line)


def test_a_copy_of_another_form_names_its_maker(house: House) -> None:
    head = json.loads(copied(house)[0]) | {"form": 2, "version": "9.9"}
    with pytest.raises(Problem, match=r"Dogwatch 9\.9"):
        Head.read(json.dumps(head))


def test_a_store_in_use_is_not_mixed(house: House) -> None:
    lines = copied(lived_in(house))
    before = house.everything()
    with pytest.raises(Problem, match="not empty") as caught:
        restored(house.database, lines)
    assert (caught.value.kind, house.everything()) == ("refused", before)


def test_no_secret_is_in_a_copy(house: House) -> None:
    text = "\n".join(copied(lived_in(house)))
    assert "c2VjcmV0" not in text
    assert house.vault.fingerprint() in text
