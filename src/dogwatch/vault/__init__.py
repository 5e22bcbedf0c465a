"""Encryption of what must not be read from the database, and the keys behind it."""

from dogwatch.vault.keyfile import key_from_text, load, load_or_create, replace, text_of
from dogwatch.vault.keyring import KEY_BYTES, Keyring, fingerprint, names_in
from dogwatch.vault.vault import HEAD_BYTES, WHERE_FROM, Vault

__all__ = [
    "HEAD_BYTES",
    "KEY_BYTES",
    "WHERE_FROM",
    "Keyring",
    "Vault",
    "fingerprint",
    "key_from_text",
    "load",
    "load_or_create",
    "names_in",
    "replace",
    "text_of",
]
