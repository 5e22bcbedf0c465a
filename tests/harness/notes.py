"""A table of notes, for tests of the door that care for no table of ours."""

from dogwatch.store.database import Database, Tx


def make_notes(database: Database) -> None:
    """Create the table."""
    database.write(
        lambda tx: tx.conn.exec_driver_sql("CREATE TABLE notes (id INTEGER PRIMARY KEY, note TEXT)")
    ).result()


def put(tx: Tx, number: int, note: str = "") -> int:
    """Insert a note; the number must be new."""
    mark = "?" if tx.dialect == "sqlite" else "%s"
    statement = f"INSERT INTO notes VALUES ({mark}, {mark})"
    tx.conn.exec_driver_sql(statement, (number, note))
    return number


def numbers(tx: Tx) -> list[int]:
    """Return the numbers of all notes."""
    return [row[0] for row in tx.conn.exec_driver_sql("SELECT id FROM notes ORDER BY id")]


def noted(database: Database) -> list[int]:
    """Return the numbers that a new reader sees."""
    return database.read(numbers).result()
