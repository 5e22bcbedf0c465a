"""What a dialect deleted softly stays away until somebody resumes it."""

from datetime import datetime

from dogwatch.store.database import Tx
from dogwatch.usecases import aliases, put_away, watches
from tests.harness.house import House, after


def away(house: House) -> bool:
    record = house.find("one")
    known = house.see(put_away.known, record.workspace_id, "cronbeats")
    return put_away.is_away(known.get(record.id), record)


def test_a_pause_that_would_end_by_itself_does_not(house: House) -> None:
    record = house.watch("one")

    def delete(tx: Tx, at: datetime) -> None:
        found = watches.find(tx, record.workspace_id, "one", lock=True)
        paused = watches.pause(tx, found, after(10), after(100))
        put_away.put_away(tx, (aliases.give(tx, paused, "cronbeats"), paused), at)

    house.do(delete, after(20))
    assert house.do(watches.resume_due, after(200)) == 0
    assert away(house)
    house.on("one", watches.resume, after(300))
    assert not away(house)
