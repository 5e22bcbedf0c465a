"""The keys that do the work, and how they are kept: wrapped by the secret key alone."""

import base64
import binascii
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from dogwatch.core.problems import Problem

KEY_BYTES = 32
ID_BYTES = 4
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True, repr=False)
class Keyring:
    """Data keys by id, of which `current` seals since `since_s` (Unix time), and the hash key.

    The hash key never changes: what it hashed can't be hashed again.
    """

    hash_key: bytes
    data_keys: Mapping[str, bytes]
    current: str
    since_s: int = 0

    @classmethod
    def fresh(cls) -> Self:
        """Return a ring of random keys."""
        current = secrets.token_hex(ID_BYTES)
        return cls(secrets.token_bytes(KEY_BYTES), {current: _random()}, current)

    @classmethod
    def derived(cls, secret_key: bytes) -> Self:
        """Return the ring that follows from a secret key: the same wherever no store keeps one."""
        current = fingerprint(secret_key)[: 2 * ID_BYTES]
        return cls(subkey(secret_key, "hash"), {current: subkey(secret_key, "seal")}, current)

    def with_new(self, at_s: int) -> "Keyring":
        """Return the ring with one more data key, which seals from now on."""
        current = secrets.token_hex(ID_BYTES)
        return replace(
            self, data_keys={**self.data_keys, current: _random()}, current=current, since_s=at_s
        )

    def only_current(self) -> "Keyring":
        """Return the ring without the data keys that seal no more."""
        return replace(self, data_keys={self.current: self.data_keys[self.current]})

    def wrapped(self, secret_key: bytes) -> str:
        """Return the ring as text, each key sealed by `secret_key`; ids are to be read by all."""
        cipher = AESGCM(subkey(secret_key, "wrap"))

        def sealed(key: bytes, name: str) -> str:
            nonce = secrets.token_bytes(_NONCE_BYTES)
            return base64.b64encode(nonce + cipher.encrypt(nonce, key, name.encode())).decode()

        return json.dumps(
            {
                "secret_key": fingerprint(secret_key),
                "current": self.current,
                "since": self.since_s,
                "hash": sealed(self.hash_key, "hash"),
                "data": {name: sealed(key, f"data:{name}") for name, key in self.data_keys.items()},
            }
        )

    @classmethod
    def unwrapped(cls, text: str, secret_key: bytes) -> Self:
        """Return the ring from its text; a Problem if it is damaged."""
        given = json.loads(text)
        cipher = AESGCM(subkey(secret_key, "wrap"))

        def opened(sealed: str, name: str) -> bytes:
            whole = base64.b64decode(sealed, validate=True)
            return cipher.decrypt(whole[:_NONCE_BYTES], whole[_NONCE_BYTES:], name.encode())

        try:
            return cls(
                opened(given["hash"], "hash"),
                {name: opened(one, f"data:{name}") for name, one in given["data"].items()},
                given["current"],
                given["since"],
            )
        except (InvalidTag, binascii.Error, ValueError):
            raise Problem(
                "refused", "The keys in the database are damaged; restore a backup."
            ) from None


def names_in(text: str) -> tuple[str, str]:
    """Return the fingerprint of the secret key that wrapped a ring, and its current data key."""
    given: dict[str, Any] = json.loads(text)
    return str(given["secret_key"]), str(given["current"])


def _random() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


def fingerprint(key: bytes) -> str:
    """Return 16 hex digits that name a key and tell nothing of it."""
    return subkey(key, "fingerprint")[:8].hex()


def subkey(key: bytes, purpose: str) -> bytes:
    """Return the key of one purpose that follows from `key` (HKDF, RFC 5869)."""
    info = f"dogwatch/1/{purpose}".encode()
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(key)
