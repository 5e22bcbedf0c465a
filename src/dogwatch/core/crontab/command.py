"""What a crontab command calls: its program, and whether Dogwatch hears of it already."""

import re
import shlex
from collections.abc import Sequence
from itertools import pairwise

from dogwatch.core.crontab.table import Entry

SEPARATORS = re.compile(r"&&|\|\||[;|&\n]")
GUARDS = frozenset({
    "cd", "test", "[", "[[", "command", "umask", "set", "export", "sleep", "exit", "true", "fi",
    "done", "}", ")", ":",
})  # fmt: skip
WRAPPERS = frozenset({
    "if", "then", "else", "do", "{", "(", "!", "exec", "sudo", "nice", "ionice", "nohup", "env",
    "time", "timeout", "chronic",
})  # fmt: skip
# What may stand between a wrapper and the program: VAR=value, -n 19, -u user, 10m.
PREFIX = re.compile(r"(\w+=\S*|-[ugnc]\s+\S+|-\S+|\d+[smhd]?)\s+")
PREFIX_WORD = re.compile(r"\w+=.*|-.+|\d+[smhd]?", re.DOTALL)
SHELL_FLAG = re.compile(r"-\w*c")
TWO_WORDS = frozenset({"-u", "-g", "-n", "-c"})
# Options of `dogwatch` and `dogwatch run` that take a value.
VALUED = frozenset({"--data", "--server", "--schedule", "--tz", "--grace", "--timeout"})
PING = re.compile(r"https?://[^\s'\"]+?/ping/([\w-]+)(?:/([\w-]+))?")
MAX_NAME = 80


def suggest_name(entry: Entry) -> str:
    """Return a name for people: the first line of the comment, else the program and its paths.

    Other arguments stay out of it: they may hold secrets. Of run-parts the directory says it all.
    """
    word, *arguments = _call(entry.command).split() or ["job"]
    call = " ".join([word, *(word for word in arguments if word.startswith("/"))])
    first = entry.description.partition("\n")[0].strip() or parts(entry.command) or call
    return first if len(first) <= MAX_NAME else first[: MAX_NAME - 1].rstrip() + "…"


def program(command: str) -> str:
    """Return the name of the first program that is no guard and no wrapper; "" if there is none."""
    return _call(command).partition(" ")[0]


def parts(command: str) -> str:
    """Return the name of the directory whose parts are run, "" where it is no run-parts."""
    word, *arguments = _call(command).split() or [""]
    paths = [_name(one) for one in arguments if one.startswith("/")]
    return paths[-1] if word == "run-parts" and paths else ""


def _call(command: str) -> str:
    """Return the first call that is no guard (`cd`, `test -x`), without path and wrappers."""
    calls = (_unwrapped(" ".join(part.split())) for part in SEPARATORS.split(command))
    return next((call for call in calls if call), "")


def _unwrapped(part: str) -> str:
    while part:
        word, _, rest = part.partition(" ")
        if word in WRAPPERS:
            part = rest
        elif prefix := PREFIX.match(part):
            part = part[prefix.end() :]
        else:
            return "" if word in GUARDS else f"{_name(word)} {rest}"
    return ""


def _name(word: str) -> str:
    return word.rstrip("/").rpartition("/")[2]


def reports_to(command: str) -> str | None:
    """Return what the `dogwatch run` in a command names: a slug, a ping key or a ping address."""
    return next(filter(None, map(_named, _split(command))), None)


def _named(words: list[str]) -> str | None:
    """Return what a simple command reports to, also behind wrappers or inside `sh -c '...'`."""
    later = (_run_of(words[at:]) for at in range(1, len(words)) if "--" in words[at:])
    inner = (reports_to(text) for flag, text in pairwise(words) if SHELL_FLAG.fullmatch(flag))
    return _run_of(_bare(words)) or next(filter(None, (*later, *inner)), None)


def addresses(command: str) -> list[tuple[str, str | None]]:
    """Return the ping addresses in a command, each as (key, what follows it)."""
    return [(found[1], found[2]) for found in PING.finditer(command)]


def _split(command: str) -> list[list[str]]:
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    found: list[list[str]] = [[]]
    try:
        for word in lexer:
            if word and set(word) <= set("();|&"):
                found.append([])
            else:
                found[-1].append(word)
    except ValueError:  # a quote stays open: the shell refuses it, too
        return []
    return found


def _bare(words: list[str]) -> list[str]:
    """Return a simple command without its wrappers and what they take."""
    while words and (words[0] in WRAPPERS or PREFIX_WORD.fullmatch(words[0])):
        words = words[2 if words[0] in TWO_WORDS else 1 :]
    return words


def _run_of(words: Sequence[str]) -> str | None:
    rest = _ours(words)
    if rest is None:
        return None
    verb, *rest = _after_options(rest) or [""]
    named = _after_options(rest) if verb == "run" else []
    return named[0] if named else None


def _ours(words: Sequence[str]) -> Sequence[str] | None:
    """Return what follows `dogwatch` or `python -m dogwatch`; None where something else is run."""
    name = _name(words[0]) if words else ""
    if name == "dogwatch":
        return words[1:]
    as_module = name.startswith("python") and words[1:2] == ["-m"]
    return words[3:] if as_module and words[2:3] in (["dogwatch"], ["dogwatch.cli"]) else None


def _after_options(words: Sequence[str]) -> Sequence[str]:
    while words and words[0].startswith("-") and words[0] != "--":
        words = words[2 if words[0] in VALUED else 1 :]
    return words[1:] if words[:1] == ["--"] else words
