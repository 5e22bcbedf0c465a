"""A store that has been lived in: something in every table, some of it still to be done."""

from dogwatch.core.alerts import Verdict
from dogwatch.core.ping import Kind
from dogwatch.core.run import Overlap
from dogwatch.store.runs import append_output
from dogwatch.usecases import keys
from tests.harness.house import House, after, heard


def lived_in(house: House) -> House:
    """Leave something in every table, in the first 650 seconds."""
    house.do(keys.claim_secret, house.vault)
    house.do(keys.add, house.workspace.id, "ci", ["*"], house.vault, after(0))
    house.join("a")
    house.channel()
    one, job = house.watch("one", tags=("ä", "b")), house.job(overlap=Overlap.ALLOW)
    house.ping(heard(one, 0, body="Zeile \U0001f415\n"), heard(one, 1, Kind.FAIL))
    house.settle(house.parcels(2)[0], 2, Verdict.RETRY)
    house.fire(60)
    (work,) = house.claim(60)
    house.do(append_output, job.workspace_id, work.run.id, [(0, "stdout", "hi")])
    house.finish(work, 61, phases_ms={"dns": 0.25})
    house.fire(120)
    house.claim(120)
    house.fire(180)
    house.join("b", 650)
    return house
