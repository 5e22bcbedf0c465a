"""Rotating the keys that seal what is stored."""

from typing import IO, Any

import click

from dogwatch.boot import secret as boot
from dogwatch.boot import store
from dogwatch.cli.flags import configured, server_flags
from dogwatch.cli.output import as_json
from dogwatch.cli.session import Group, Session, command
from dogwatch.core.problems import Problem
from dogwatch.usecases import keyring
from dogwatch.vault import key_from_text


@click.group("secret", cls=Group)
def secret_command() -> None:
    """Rotate the keys that seal what is stored; works beside a running server."""


@command("rotate", "dogwatch secret rotate\ndogwatch secret rotate --data-key\n"
         "openssl rand -base64 32 | dogwatch secret rotate --key-file -")  # fmt: skip
@click.option("--data-key", is_flag=True, help="A new data key instead: stored values are sealed "
              "anew with it, bit by bit.")  # fmt: skip
@click.option("--key-file", type=click.File("r"), help="Take the new secret key from here; - is "
              "standard input. Else it is made.")  # fmt: skip
@server_flags
def rotate(session: Session, data_key: bool, key_file: IO[str] | None, **flags: Any) -> None:
    """Replace the secret key, in the database and in DATA/secret.key.

    With several nodes, copy secret.key to the others; they work on meanwhile, and need it for
    their next start. Where DOGWATCH_SECRET_KEY is set, give the new key and set it there.
    """
    config = configured(session, flags)
    if data_key and key_file:
        raise Problem("invalid", "--key-file gives a secret key; data keys are always made")
    if config.secret_key and not (data_key or key_file):
        raise Problem(
            "refused",
            "DOGWATCH_SECRET_KEY holds the key: give the new one by --key-file, then set it there",
        )
    given = key_from_text(key_file.read(1024)) if key_file else None
    with store.opened(config) as opened:
        if data_key:
            opened.database.write(
                lambda tx: keyring.add_data_key(tx, opened.vault, opened.clock.now())
            ).result()
        else:
            boot.rotate(config.data, opened.database, opened.vault, given)
    told = "data key" if data_key else "secret key"
    as_json({"rotated": told}) if session.json else click.echo(f"the {told} is rotated")


secret_command.add_command(rotate)
