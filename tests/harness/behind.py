"""Looking into a database behind Dogwatch's back, with the whole of it in sight."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, NullPool, create_engine

from dogwatch.store import postgres
from dogwatch.store.database import parse_url


@contextmanager
def connected(url: str, **options: str) -> Iterator[Connection]:
    """Connect to a database of either kind."""
    parsed = parse_url(url)
    make = create_engine if parsed.get_backend_name() == "sqlite" else postgres.engine_for
    engine = make(parsed, poolclass=NullPool, **options)
    with engine.connect() as conn:
        yield conn
    engine.dispose()
