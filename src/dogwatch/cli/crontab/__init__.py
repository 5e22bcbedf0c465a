"""`dogwatch import crontab` and `discover`: a plan first, then the same plan applied."""

from dogwatch.cli.crontab.command import discover_command, import_command

__all__ = ["discover_command", "import_command"]
