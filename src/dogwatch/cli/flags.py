"""The server's flags, made from the one definition of its settings."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from dogwatch.cli.session import ServerSetting, Session
from dogwatch.config import SETTINGS, Config, load


def server_flags(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add a flag per setting and `--config`; read them back with `configured(session, flags)`."""
    for setting in reversed(tuple(SETTINGS.values())):
        if setting.name != "data":
            told = f"{setting.help}: {setting.kind.valid}. [env: {setting.variable}]"
            how: dict[str, Any] = {"metavar": "VALUE", "help": told, "cls": ServerSetting}
            function = click.option(setting.flag, setting.name, **how)(function)
    told = "TOML file of settings."
    return click.option("--config", "file", metavar="FILE", help=told, cls=ServerSetting)(function)


def given(session: Session, flags: Mapping[str, Any]) -> Config:
    """Return the settings that flags, environment and file give."""
    file, said = flags.get("file"), {name: flags[name] for name in flags if name != "file"}
    return load({"data": session.data} | said, session.environ, Path(file) if file else None)


def configured(session: Session, flags: dict[str, Any]) -> Config:
    """Return the settings that flags, environment and file give; warnings go to standard error."""
    config = given(session, flags)
    for warning in config.warnings:
        click.echo(f"dogwatch: {warning}", err=True)
    return config


def located(config: Config) -> Config:
    """Return the settings with links that lead to where the server here listened last.

    Unless its address is among what is set.
    """
    told = config.data / "server.url"
    said = any(config.sources.get(name) != "default" for name in ("base_url", "listen"))
    if said or not told.exists():
        return config
    return replace(config, base_url=told.read_text().strip())
