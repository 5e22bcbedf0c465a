"""Law: the command line starts light; what a verb needs is loaded by that verb."""

import subprocess
import sys

HEAVY = {
    *("alembic", "argon2", "cryptography", "fastapi", "httptools", "psycopg", "pycurl", "pydantic"),
    *("rich", "sqlalchemy", "starlette", "structlog", "uvicorn", "uvloop"),
}
PROBE = f"import sys, dogwatch.cli; print(*sorted({HEAVY!r} & set(sys.modules)))"


def test_cli_root_loads_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, encoding="utf-8")
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")
