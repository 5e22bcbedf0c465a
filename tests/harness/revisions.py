"""All revisions of the tables, and one that is yet to come; migrations that die on the way.

`python -m tests.harness.revisions` reads lines `[url, revision, n]` and answers each with the exit
status of a child that set out to migrate and was killed by SIGKILL after its nth statement; or
lines `[words…]`, a command of ours that a child runs. Each child comes into being with everything
loaded, so that hundreds of deaths take seconds.
"""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, Engine, event

from dogwatch.store import migrate

if TYPE_CHECKING:
    from alembic.config import Config

HEAD: Final = migrate.HEAD
LATER: Final = "later"
BASE: Final = "base"
_READS = ("SELECT", "PRAGMA", "SET")
_ROOT = Path(__file__).parents[2]


def later() -> dict[str, Any]:
    """Return what `migrate` must hold to know the revision that is yet to come."""
    plain = migrate._config

    def config(conn: Connection | None = None) -> "Config":
        made = plain(conn)
        known = (Path(migrate.__file__).parent / "migrations" / "versions", Path(__file__).parent)
        places = (str(known[0]), str(known[1] / "later"))
        made.set_main_option("version_locations", os.pathsep.join(places))
        return made

    return {"HEAD": LATER, "_config": config}


def steps() -> Iterator[tuple[str, str]]:
    """Yield (revision before, revision) from the first to the last."""
    scripts = list(migrate._scripts().walk_revisions())
    for script in reversed(scripts):
        yield str(script.down_revision or BASE), script.revision


def go(url: str, revision: str) -> None:
    """Migrate up or down to a revision."""
    known = [BASE, *(revision for _, revision in steps())]
    down = known.index(revision) < known.index(migrate.current(url) or BASE)
    (migrate.downgrade if down else migrate.upgrade)(url, revision)


@contextlib.contextmanager
def counted(then: Callable[[int], None] = lambda _: None) -> Iterator[list[str]]:
    """Yield a list that fills with the statements that change something; a COMMIT is one."""
    seen: list[str] = []

    def note(statement: str) -> None:
        if not statement.lstrip().startswith(_READS):
            seen.append(statement)
            then(len(seen))

    def executed(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        note(statement)

    def committing(conn: Connection) -> None:
        if conn.dialect.name == "postgresql":
            note("COMMIT")  # SQLite's is a statement like others

    hooks = (("after_cursor_execute", executed), ("commit", committing))
    for name, hook in hooks:
        event.listen(Engine, name, hook)
    try:
        yield seen
    finally:
        for name, hook in hooks:
            event.remove(Engine, name, hook)


# --- the process whose children die -------------------------------------------------------------


class Mortals:
    """That process, seen from a test."""

    def __init__(self, environ: dict[str, str]) -> None:
        own = {name: value for name, value in os.environ.items() if name[:9] != "DOGWATCH_"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.harness.revisions"], cwd=_ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**own, **environ},
        )  # fmt: skip

    def migrate(self, url: str, revision: str, last: int) -> int:
        """Have a child migrate and die after its statement number `last`; return its status."""
        return self._ask([url, revision, last])

    def run(self, *words: str) -> int:
        """Have a child run a command of ours; return its exit status."""
        return self._ask(list(words))

    def _ask(self, line: list[Any]) -> int:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(line) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=30)


def serve() -> None:
    import alembic.command
    import psycopg

    from dogwatch import cli
    from dogwatch.cli import store

    del alembic, psycopg, store
    vars(migrate).update(later())

    def child(line: list[Any]) -> int:
        match line:
            case [str(url), str(revision), int(last)]:
                with counted(lambda n: os.kill(os.getpid(), signal.SIGKILL) if n == last else None):
                    go(url, revision)
            case words:
                sys.argv[1:] = words
                with contextlib.redirect_stdout(io.StringIO()):
                    cli.main()
        return 0

    for line in sys.stdin:
        print(_status_of(child, json.loads(line)), flush=True)


def _status_of(child: Callable[[list[Any]], int], line: list[Any]) -> int:
    if pid := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    status = 1
    try:
        status = child(line)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        traceback.print_exc()
    os._exit(status)


if __name__ == "__main__":
    # Under its own name: `later.py` asks that module which revision was the newest before it.
    from tests.harness import revisions

    revisions.serve()
