"""The way to the first person of an instance: a link on the screen and in a private file."""

import contextlib
from pathlib import Path

from dogwatch.boot.store import Store, write_private
from dogwatch.config import Config
from dogwatch.core.people import checked_email, checked_name
from dogwatch.core.problems import Problem
from dogwatch.store.tx import Tx
from dogwatch.usecases import audit_log, demo, setup, workspaces
from dogwatch.usecases.callers import host
from dogwatch.usecases.people import User


def link_file(config: Config) -> Path:
    """Return where the link stands until somebody is here."""
    return config.data / "setup.url"


def link(config: Config) -> str | None:
    """Return the link in the file, None once set up."""
    try:
        return link_file(config).read_text().strip()
    except OSError:
        return None


def offer(config: Config, store: Store) -> str | None:
    """Make a new set-up link and leave it in its file; None, and no file, once set up."""
    at = store.clock.now()
    code = store.database.write(lambda tx: setup.offer(tx, store.vault, at)).result()
    if code is None:
        forget(config)
        return None
    link = f"{config.base_url.rstrip('/')}/setup?code={code}"
    write_private(link_file(config), link)
    return link


def add_examples(store: Store) -> None:
    """Add the examples to the first workspace, unless they are there."""
    at, vault = store.clock.now(), store.vault
    store.database.write(lambda tx: demo.add(tx, workspaces.first(tx, at).id, vault, at)).result()


def forget(config: Config) -> None:
    """Remove the file."""
    with contextlib.suppress(OSError):
        link_file(config).unlink(missing_ok=True)


def set_up(config: Config, store: Store, email: str, name: str, password_hash: str) -> User:
    """Make the first person without a browser; refused where somebody is here."""
    address = checked_email(email)
    called, at = checked_name(name, address), store.clock.now()

    def made(tx: Tx) -> User:
        user = setup.first_person(tx, address, called, password_hash, at)
        audit_log.note(tx, host(0), "instance.set_up", address, at, instance=True)
        return user

    try:
        user = store.database.write(made).result()
    except Problem as problem:
        if problem.kind != "conflict":
            raise
        raise Problem("refused", problem.message) from None
    forget(config)
    return user
