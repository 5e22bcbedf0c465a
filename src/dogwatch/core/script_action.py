"""What a script job runs, and the rules for it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from dogwatch.core.problems import Problem
from dogwatch.core.variable import data_fault, json_text

Language = Literal["bash", "python", "node"]

KIB = 1024
MIB = 1024 * KIB
MAX_SOURCE_BYTES = 256 * KIB
MAX_ENV = 64
MAX_ARGS = 64
MAX_TIMEOUT_S = 7 * 86400
MAX_VALUE_BYTES = 32 * KIB
RESERVED = frozenset(
    {
        "LD_PRELOAD",
        "LD_LIBRARY_PATH",
        "LD_AUDIT",
        "BASH_ENV",
        "ENV",
        "PYTHONSTARTUP",
        "NODE_OPTIONS",
    }
)
REMOTE = frozenset({"CRONIUM_RUNTIME_API", "CRONIUM_EXECUTION_TOKEN", "CRONIUM_EXECUTION_ID"})
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

Faults = dict[str, str]


def unsupported(platform: str) -> str | None:
    """Say why no script runs on a system, named as by `sys.platform`; None if they do."""
    if platform == "linux":
        return None
    return (
        f"scripts need Linux, to end with all that they started, and this is {platform}; use an "
        "HTTP job, or run the script by cron here and watch it with dogwatch run"
    )


@dataclass(frozen=True, slots=True)
class ScriptAction:
    """A script with its arguments, its environment and its limits.

    `timeout_s` ends the whole process tree. `output_cap_bytes` is what is kept of the output.
    `memory_limit_mb` bounds the data segment of each process (RLIMIT_DATA), `file_limit_mb` the
    size of each file it writes (RLIMIT_FSIZE), both in MiB. `input` is what runs are given that
    nobody gives another, any JSON. `interpreter` is another program than the usual one.
    `network`: it has one in a sandbox, too, by way of a proxy; elsewhere all have.
    """

    language: Language
    source: str
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    timeout_s: float = 3600.0
    output_cap_bytes: int = MIB
    memory_limit_mb: int | None = None
    file_limit_mb: int = 1024
    input: Any = None
    interpreter: str | None = None
    network: bool = False

    @classmethod
    def from_json(cls, data: object) -> "ScriptAction":
        """Read `{language, source, args?: [...], env?: {name: value}, ...}`.

        Raises Problem("invalid") that names every bad field at once.
        """
        if not isinstance(data, Mapping):
            raise Problem("invalid", "A script action must be an object.", {"action": "no object"})
        faults: Faults = dict.fromkeys(("language", "source"), "is required")
        given: dict[str, Any] = {}
        for name, value in data.items():
            faults.pop(name, None)
            check = _CHECKS.get(name, _unknown)
            given[name] = check(str(name)[:64], value, faults)
        if faults:
            raise Problem("invalid", f"The script action is invalid: {_words(faults)}", faults)
        return cls(**given)

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return {
            "language": self.language,
            "source": self.source,
            "args": list(self.args),
            "env": dict(self.env),
            "timeout_s": self.timeout_s,
            "output_cap_bytes": self.output_cap_bytes,
            "memory_limit_mb": self.memory_limit_mb,
            "file_limit_mb": self.file_limit_mb,
            "input": self.input,
            "interpreter": self.interpreter,
            "network": self.network,
        }


def _words(faults: Faults) -> str:
    return "; ".join(f"{field} {fault}" for field, fault in faults.items())


def _unknown(field: str, value: object, faults: Faults) -> None:
    faults[field] = "is not a field of a script action"


def _language(field: str, value: object, faults: Faults) -> object:
    if not isinstance(value, str) or value not in get_args(Language):
        faults[field] = f"must be one of {', '.join(get_args(Language))}"
    return value


def _source(field: str, value: object, faults: Faults) -> object:
    if value == "":
        faults[field] = "must not be empty"
    else:
        _text(field, value, faults, MAX_SOURCE_BYTES)
    return value


def _text(field: str, value: object, faults: Faults, most: int = MAX_VALUE_BYTES) -> None:
    """Demand what the kernel can pass on: UTF-8 of a bounded length without NUL (execve(2))."""
    if not isinstance(value, str):
        faults[field] = "must be a string"
    elif "\0" in value:
        faults[field] = "must not contain a NUL character"
    elif any("\ud800" <= letter <= "\udfff" for letter in value):
        faults[field] = "must not contain a lone surrogate"
    elif len(value.encode()) > most:
        faults[field] = f"must be at most {most // KIB} KiB"


def _args(field: str, value: object, faults: Faults) -> tuple[object, ...]:
    if not isinstance(value, list | tuple):
        faults[field] = "must be a list of strings"
        return ()
    if len(value) > MAX_ARGS:
        faults[field] = f"must have at most {MAX_ARGS} entries"
        return ()
    for index, arg in enumerate(value):
        _text(f"{field}[{index}]", arg, faults)
    return tuple(value)


def _env(field: str, value: object, faults: Faults) -> tuple[tuple[object, object], ...]:
    if not isinstance(value, Mapping):
        faults[field] = "must be an object of names and values"
        return ()
    if len(value) > MAX_ENV:
        faults[field] = f"must have at most {MAX_ENV} variables"
        return ()
    for name, text in value.items():
        where = f"{field}.{str(name)[:64]}"
        _text(where, text, faults)
        if refusal := _refusal(name):
            faults[where] = refusal
    return tuple(value.items())


def _refusal(name: object) -> str | None:
    """Say why a variable can't have this name."""
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > 256:
        return "must have a name of at most 256 letters, digits and _, no digit first"
    if name in RESERVED:
        return "is reserved: it would load other code before the script"
    if name.startswith("DOGWATCH_") or name in REMOTE:
        return "is reserved: names that begin with DOGWATCH_, and these, are set by Dogwatch"
    return None


def _seconds(field: str, value: object, faults: Faults) -> object:
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else 0
    if not 1 <= number <= MAX_TIMEOUT_S:  # false for NaN too
        faults[field] = "must be a number of seconds from 1 to 604800 (7 days)"
    return value


def _integer(least: int, most: int) -> Callable[[str, object, Faults], object]:
    def check(field: str, value: object, faults: Faults) -> object:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            faults[field] = f"must be an integer from {least} to {most}"
        return value

    return check


def _memory(field: str, value: object, faults: Faults) -> object:
    return value if value is None else _integer(16, MIB)(field, value, faults)


def _input(field: str, value: object, faults: Faults) -> object:
    try:
        fault = data_fault(json_text(value))
    except (TypeError, ValueError, RecursionError):
        fault = "must be JSON"
    if fault:
        faults[field] = fault
    return value


def _interpreter(field: str, value: object, faults: Faults) -> object:
    if value is not None:
        _text(field, value, faults, KIB)
    return value


def _flag(field: str, value: object, faults: Faults) -> object:
    if not isinstance(value, bool):
        faults[field] = "must be true or false"
    return value


_CHECKS: Mapping[object, Callable[[str, object, Faults], object]] = {
    "language": _language,
    "source": _source,
    "args": _args,
    "env": _env,
    "timeout_s": _seconds,
    "output_cap_bytes": _integer(KIB, 16 * MIB),
    "memory_limit_mb": _memory,
    "file_limit_mb": _integer(1, MIB),
    "input": _input,
    "interpreter": _interpreter,
    "network": _flag,
}
