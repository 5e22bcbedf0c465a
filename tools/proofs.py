"""Prints what the proofs collected, as one table: `python tools/proofs.py FILE`.

Ends with 1 if a promise is broken, or if there is nothing to print.
"""

import sys
from pathlib import Path

HEAD = ("promise", "figure", "verdict", "seed")


def table(lines: list[str]) -> tuple[str, bool]:
    """Return the Markdown table of what `tests.harness.proof.tell` wrote; whether all holds."""
    rows = [[cell.strip() for cell in line.split(" | ")[1:]] for line in lines]
    for row in rows:
        row[3] = row[3].removeprefix("seed ")
    text = "\n".join(f"| {' | '.join(row)} |" for row in (HEAD, ["---"] * len(HEAD), *rows))
    return text, bool(rows) and all(row[2] == "holds" for row in rows)


def main(path: Path) -> int:
    """Print the table of a file; return the exit status."""
    lines = path.read_text().splitlines() if path.exists() else []
    text, holds = table(lines)
    print(text)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
