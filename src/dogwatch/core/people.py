"""What may be said of people: their address and their name."""

import re

from dogwatch.core.problems import invalid

_EMAIL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@"
    r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)
_NAME_LENGTH = 100


def checked_email(text: str) -> str:
    """Return an address in the form it is kept and compared in, or raise invalid."""
    address = text.strip().lower()
    if len(address) > 254 or not _EMAIL.fullmatch(address):
        raise invalid("email", "give one address such as ana@example.org")
    return address


def checked_name(text: str, email: str) -> str:
    """Return a person's name, the address's first part where none is given; or raise invalid."""
    name = " ".join(text.split()) or email.partition("@")[0]
    if len(name) > _NAME_LENGTH or not name.isprintable():
        raise invalid("name", f"give at most {_NAME_LENGTH} characters on one line")
    return name
