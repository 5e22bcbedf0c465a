"""What every command shares: the options given before or after its name, and the environment."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Any

import click

_WHOLE = 1000  # letters: longer than any first sentence
_SERVERS = frozenset({"up", "worker"})
_HUSHED = "Print no answer: the exit status says how it went."
_SEE = (
    "Any of them may be given here, too, such as --database URL: `dogwatch up --help` explains "
    "them, `dogwatch config` shows their values."
)


@dataclass(slots=True)
class Session:
    """The shared options; `environ` is the process's unless a test gives another.

    `settings` is what doctor was told of the server's by flags.
    """

    json: bool = False
    data: str | None = None
    server: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @property
    def data_dir(self) -> Path:
        """Return the data directory without reading any file."""
        from dogwatch.config import data_dir  # the root's help page needs none of it

        return data_dir(self.data, self.environ)


def _remember(ctx: click.Context, option: click.Parameter, value: Any) -> None:
    if value:
        setattr(ctx.ensure_object(Session), str(option.name), value)


def _hush(ctx: click.Context, option: click.Parameter, value: bool) -> None:
    if value:
        file = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  (ends with the command)
        ctx.with_resource(redirect_stdout(ctx.with_resource(file)))


def shared() -> list[click.Parameter]:
    """Return fresh copies of the options that every command takes."""
    given: dict[str, Any] = {"expose_value": False, "callback": _remember}
    return [
        click.Option(["-q", "hushed"], is_flag=True, help=_HUSHED, **(given | {"callback": _hush})),
        click.Option(["--json"], is_flag=True, help="Answer in JSON.", **given),
        click.Option(["--data"], metavar="DIR", help="Data directory.", **given),
        click.Option(["--server"], metavar="URL", help="Server to talk to.", **given),
    ]


class ServerSetting(click.Option):
    """An option that is a setting of the server; help pages keep them apart."""


class Command(click.Command):
    """A command with the shared options, whose help page ends with examples."""

    def __init__(self, *args: Any, examples: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        taken = {flag for option in self.params for flag in option.opts}
        self.params += [option for option in shared() if taken.isdisjoint(option.opts)]
        on_host = any(isinstance(option, ServerSetting) for option in self.params)
        self.examples = _three(examples.strip().splitlines(), on_host=on_host)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own options first; all the server's on the pages of servers."""
        params = self.get_params(ctx)
        own = [param for param in params if not isinstance(param, ServerSetting)]
        _write(formatter, "Options", ctx, own)
        if len(own) < len(params) and self.name in _SERVERS:
            _write(formatter, "Server settings", ctx, [p for p in params if p not in own])
        elif len(own) < len(params):
            with formatter.section("Server settings"):
                formatter.write_text(_SEE)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples as they are."""
        with formatter.section("Examples"):
            formatter.write("".join(f"  {line}\n" for line in self.examples))


class Group(click.Group):
    """A group of commands that knows what was nearly said, and cuts no command's line short."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is meant; for an unknown name, name the nearest."""
        if self.get_command(ctx, args[0]) is None:
            from difflib import get_close_matches  # few runs need it

            for near in get_close_matches(args[0], self.list_commands(ctx), 1):
                ctx.fail(f"No such command {args[0]!r}. Did you mean {near!r}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each command's name and the whole first sentence of its help."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, one.get_short_help_str(_WHOLE)) for name, one in found if one]
            )


def _three(examples: list[str], *, on_host: bool) -> list[str]:
    """Complete examples to three by what every command takes."""
    plain = re.split(r" --json| [<>] ", examples[0])[0]
    where = "--data /srv/dogwatch" if on_host else "--server https://watch.example.org"
    known = " ".join(examples).split()
    more = [f"{plain} {option}" for option in (where, "--json") if option.split()[0] not in known]
    return examples + more[: max(3 - len(examples), 0)]


def _write(
    formatter: click.HelpFormatter,
    title: str,
    ctx: click.Context,
    params: Sequence[click.Parameter],
) -> None:
    records = [record for param in params if (record := param.get_help_record(ctx))]
    with formatter.section(title):
        formatter.write_dl(records)


def command(name: str, examples: str, **kwargs: Any) -> Callable[[Callable[..., Any]], Command]:
    """Declare a command that is handed the Session first."""

    def declare(function: Callable[..., Any]) -> Command:
        handed = click.make_pass_decorator(Session, ensure=True)(function)
        return click.command(name, cls=Command, examples=examples, **kwargs)(handed)

    return declare


def said(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that were given."""
    return {name: value for name, value in options.items() if value not in (None, ())}


def joined(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Join options into one decorator, in their order."""
    return lambda function: reduce(lambda made, option: option(made), reversed(options), function)
