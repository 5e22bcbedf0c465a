"""dogwatch channel add KIND: one command per kind of channel, made from the kind's settings."""

import sys
from collections.abc import Mapping
from typing import Any

import click

from dogwatch.cli.client import connect
from dogwatch.cli.output import as_json
from dogwatch.cli.session import Command, Group, Session
from dogwatch.notify import CHANNELS
from dogwatch.notify.channel import Channel
from dogwatch.notify.fields import Field


class Kinds(Group):
    """A command per kind; which there are is said by the registry of channels."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the kinds in the order of the registry."""
        del ctx
        return list(CHANNELS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of a kind; None for an unknown one."""
        del ctx
        channel = CHANNELS.get(cmd_name)
        return _command(channel) if channel else None


@click.command("add", cls=Kinds)
def channel_add() -> None:
    """Make a place to tell: dogwatch channel add KIND --help says what to paste from where."""


def _command(channel: Channel) -> Command:
    def made(session: Session, name: str, all_watches: bool, **given: Any) -> None:
        settings = {one.name: _value(one, given[_parameter(one)]) for one in channel.fields}
        asked = {name: value for name, value in settings.items() if value}
        _make(session, name, channel.kind, asked, all_watches=all_watches)

    options = [_option(one) for one in channel.fields]
    return Command(
        channel.kind,
        callback=click.make_pass_decorator(Session, ensure=True)(made),
        params=[*options, _name(channel), _all()],
        help=f"Tell people by {channel.label}.",
        short_help=channel.label,
        examples=_example(channel),
    )


def _parameter(one: Field) -> str:
    return f"{one.name}_"  # no setting's name is a word of Python's, or an argument of ours


def _value(one: Field, given: Any) -> Any:
    """Return what was given; for a secret, `-` asks for it or reads a line of standard input."""
    if one.secret and given == "-":
        asked = sys.stdin.isatty()
        return click.prompt(one.name, hide_input=True) if asked else sys.stdin.readline().strip()
    return list(given) if isinstance(given, tuple) else given


def _flag(one: Field) -> str:
    return f"--{one.name.replace('_', '-')}"


def _option(one: Field) -> click.Option:
    more = " May be repeated." if one.many else " - asks for it." if one.secret else ""
    told = one.help + more
    known: dict[str, Any] = {} if one.default is None else {"default": one.default}
    return click.Option(
        [_flag(one), _parameter(one)],
        required=one.needed,
        show_default=one.default is not None,
        multiple=one.many,
        type=click.Choice(one.choices) if one.choices else str,
        help=told,
        metavar=None if one.choices else "TEXT",
        **known,
    )


def _name(channel: Channel) -> click.Option:
    return click.Option(
        ["--name"], default=channel.label, show_default=True, help="Its name, for people."
    )


def _all() -> click.Option:
    told = "Tell it whenever a watch goes down or recovers."
    return click.Option(["--all", "all_watches"], is_flag=True, help=told)


def _example(channel: Channel) -> str:
    needed = [one for one in channel.fields if one.needed]
    words = (f"{_flag(one)} {_quoted(one.example)}" for one in needed)
    return f"dogwatch channel add {channel.kind} {' '.join(words)} --all"


def _quoted(example: object) -> str:
    value = example[0] if isinstance(example, list) else example
    return f"'{value}'" if set("!&?* ") & set(str(value)) else str(value)


def _make(
    session: Session, name: str, kind: str, settings: Mapping[str, Any], *, all_watches: bool
) -> None:
    api = connect(session)
    asked = {"name": name, "kind": kind, "settings": dict(settings)}
    channel = api.send("POST", "/channels", asked)
    rule = api.send("POST", "/rules", {"channel_id": channel["id"]}) if all_watches else None
    if session.json:
        as_json({**channel, "rule": rule})
    else:
        _made(channel)
    if not rule:
        told = f"nobody is told through {name!r} yet: dogwatch rule add {channel['id']}"
        click.echo(f"dogwatch: {told}", err=True)


def _made(channel: Mapping[str, Any]) -> None:
    click.echo(f"{channel['name']} is channel {channel['id']}")
    for secret in channel.get("secrets") or []:
        click.echo(f"  secret, shown this once: {secret}")
    click.echo(f"  dogwatch channel test {channel['id']}")
