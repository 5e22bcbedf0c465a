"""One step: what is asked, and what of the answer is compared: status, keys, their order, types."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "str": str,
    "int": int,
    "num": (int, float),
    "bool": bool,
    "list": list,
    "dict": dict,
    "null": type(None),
}


@dataclass(frozen=True, slots=True)
class Step:
    """A request below the mount of a dialect, and its answer.

    `path` and `body` may name in braces what steps before have `keep`s of: names, each with its
    place in the answer. `shape` is of what is found `at` a place: "id:str count:int at:str?", all
    keys in order, `?` where null may stand. `text` is a whole answer. `clears`: it is done whatever
    came before, as long as what it names is known.
    """

    told: str
    method: str
    path: str
    status: int
    body: Any = None
    at: tuple[str | int, ...] = ()
    shape: str = ""
    text: str | None = None
    keep: Mapping[str, tuple[str | int, ...]] = field(default_factory=dict)
    keyed: bool = True
    clears: bool = False


def path_of(step: Step, known: Mapping[str, Any]) -> str | None:
    """Return the path to ask for, None where it names what is not known."""
    try:
        return step.path.format_map(known)
    except KeyError:
        return None


def faults(step: Step, status: int, body: bytes) -> Iterator[str]:
    """Yield what is not as the document has it."""
    if status != step.status:
        yield f"status {status}, not {step.status}: {body[:200].decode(errors='replace')}"
        return
    if step.text is not None and body.decode(errors="replace") != step.text:
        yield f"answer {body[:80]!r}, not {step.text!r}"
    if step.shape:
        try:
            found = _place(json.loads(body), step.at)
        except (ValueError, LookupError, TypeError):
            yield f"no JSON with {'/'.join(map(str, step.at)) or 'an object'}"
            return
        yield from _shape_faults(step.shape, found)


def kept(step: Step, body: bytes) -> dict[str, Any]:
    """Return what the steps after this one may name."""
    said = json.loads(body) if step.keep else {}
    return {name: _place(said, place) for name, place in step.keep.items()}


def _place(said: Any, place: tuple[str | int, ...]) -> Any:
    for part in place:
        said = said[part]
    return said


def _shape_faults(shape: str, found: Any) -> Iterator[str]:
    wanted = dict(part.split(":") for part in shape.split())
    if not isinstance(found, dict):
        yield "no JSON object"
    elif list(found) != list(wanted):
        yield f"keys {', '.join(found)}; not {', '.join(wanted)}"
    else:
        for name, kinds in wanted.items():
            if not _fits(found[name], kinds):
                yield f"{name} is {json.dumps(found[name])[:60]}, not {kinds}"


def _fits(value: Any, kinds: str) -> bool:
    if value is None:
        return kinds.endswith("?") or kinds == "null"
    kind = kinds.removesuffix("?")
    if isinstance(value, bool):
        return kind == "bool"
    return isinstance(value, _TYPES[kind])
