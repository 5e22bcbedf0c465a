"""`python -m dogwatch.cli` is `dogwatch`."""

from dogwatch.cli import main

main()
