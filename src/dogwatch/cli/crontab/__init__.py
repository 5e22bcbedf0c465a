"""`dogwatch import crontab`: a plan first, then the same plan applied."""

from dogwatch.cli.crontab.command import import_command

__all__ = ["import_command"]
