"""Crontab files: their lines, what the lines call, and how they read once they are watched."""

from dogwatch.core.crontab.command import addresses, parts, program, reports_to, suggest_name
from dogwatch.core.crontab.format import Known, guessed
from dogwatch.core.crontab.source import Source, slug
from dogwatch.core.crontab.table import BadLine, Crontab, Entry, parse
from dogwatch.core.crontab.wrapped import rewritten, wrap_line

__all__ = [
    "BadLine",
    "Crontab",
    "Entry",
    "Known",
    "Source",
    "addresses",
    "guessed",
    "parse",
    "parts",
    "program",
    "reports_to",
    "rewritten",
    "slug",
    "suggest_name",
    "wrap_line",
]
