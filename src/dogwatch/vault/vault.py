"""Sealing what is stored, for the row it stands in, and hashing what is only ever compared."""

import hmac
import secrets
import threading
from collections.abc import Callable, Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dogwatch.core.problems import Problem
from dogwatch.vault.keyfile import HINT, text_of
from dogwatch.vault.keyring import (
    ID_BYTES,
    KEY_BYTES,
    Keyring,
    fingerprint,
    names_in,
    subkey,
)

WHERE_FROM = (
    "copy secret.key from the first node's data directory or from a backup of this one, "
    "or set DOGWATCH_SECRET_KEY"
)
HEAD_BYTES = 1 + ID_BYTES
"""How much of a sealed value tells its form and its data key."""
_VERSION = b"\x01"
_NONCE_BYTES = 12
_START = HEAD_BYTES + _NONCE_BYTES


class Vault:
    """Seals with AES-256-GCM and hashes with HMAC-SHA256, by the keys of a ring.

    A sealed value is: version byte, 4 bytes of data key id, 12 bytes of random nonce, ciphertext
    and tag. All before the ciphertext is authenticated with it, and so is the `context`.
    `secret_keys` tells where else to look for the secret key that wrapped a ring, `renew` fetches
    the ring when a value names a data key that is not in ours. Safe in any thread.
    """

    def __init__(
        self,
        secret_key: bytes,
        ring: Keyring | None = None,
        secret_keys: Callable[[], Iterable[bytes]] = tuple,
    ) -> None:
        if len(secret_key) != KEY_BYTES:
            raise Problem("refused", f"The key has {len(secret_key)} bytes; {HINT}.")
        self._secret_key = secret_key
        self._secret_keys = secret_keys
        self._lock = threading.Lock()
        self._text = ""
        self._behind = ""
        self.renew: Callable[[], None] = lambda: None
        self._hold(ring or Keyring.derived(secret_key))

    def _hold(self, ring: Keyring) -> None:
        ciphers = {bytes.fromhex(name): AESGCM(key) for name, key in ring.data_keys.items()}
        # In this order, as others seal and open meanwhile.
        self._ciphers = ciphers
        self._ring = ring
        self._hashes: dict[str, hmac.HMAC] = {}

    # --- values -----------------------------------------------------------------------------

    def seal(self, plain: bytes, context: str) -> bytes:
        """Encrypt `plain` for the row that `context` names; it opens with that context alone."""
        if self._behind:
            raise Problem("refused", self._behind)
        ring = self._ring
        nonce = secrets.token_bytes(_NONCE_BYTES)
        head = _head(ring) + nonce
        cipher = self._ciphers[bytes.fromhex(ring.current)]
        return head + cipher.encrypt(nonce, plain, head + context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """Decrypt; raise a Problem if the value is damaged, another row's or another key's."""
        head, body = sealed[:_START], sealed[_START:]
        if len(head) < _START or head[:1] != _VERSION:
            raise Problem("refused", "A sealed value is damaged or of a newer Dogwatch.")
        cipher = self._cipher(head[1:HEAD_BYTES])
        try:
            return cipher.decrypt(head[HEAD_BYTES:], body, head + context.encode())
        except InvalidTag:
            raise Problem(
                "refused", "A sealed value was changed or moved to another row."
            ) from None

    def _cipher(self, name: bytes) -> AESGCM:
        if name not in self._ciphers:
            self.renew()
        cipher = self._ciphers.get(name)
        if cipher is None:
            raise Problem(
                "refused",
                f"A sealed value was made with the data key {name.hex()}, which is not in this "
                "database; restore a backup.",
            )
        return cipher

    def keyed_hash(self, value: str, purpose: str) -> bytes:
        """Return 32 bytes by which a secret is found again; `purpose` keeps uses apart."""
        hashes = self._hashes
        if purpose not in hashes:
            key = subkey(self._ring.hash_key, f"hash:{purpose}")
            hashes[purpose] = hmac.new(key, digestmod="sha256")
        # hmac.digest() lets other threads run meanwhile, and may wait milliseconds for its turn.
        made = hashes[purpose].copy()
        made.update(value.encode(errors="surrogatepass"))
        return made.digest()

    # --- keys -------------------------------------------------------------------------------

    @property
    def ring(self) -> Keyring:
        """The ring at work."""
        return self._ring

    @property
    def head(self) -> bytes:
        """What every value begins with that is sealed now."""
        return _head(self._ring)

    def fingerprint(self) -> str:
        """Return 16 hex digits that name the secret key and tell nothing of it."""
        return fingerprint(self._secret_key)

    def secret_key(self) -> str:
        """Return the secret key as its file holds it, for the backup that needs it."""
        return text_of(self._secret_key)

    def wrapped(self, ring: Keyring | None = None) -> str:
        """Return a ring, else the one at work, as the store keeps it."""
        return (ring or self._ring).wrapped(self._secret_key)

    def adopt(self, text: str) -> None:
        """Work with the ring that the store keeps; a Problem if its secret key is not here.

        Without it the keys at work stay, but nothing is sealed by one that the store gave up.
        """
        with self._lock:
            if text == self._text:
                return
            named, current = names_in(text)
            for key in (self._secret_key, *self._secret_keys()):
                if fingerprint(key) == named:
                    self._hold(Keyring.unwrapped(text, key))
                    self._secret_key, self._text, self._behind = key, text, ""
                    return
            refusal = (
                f"this database belongs to the secret key {named}, not to {self.fingerprint()}; "
                f"{WHERE_FROM}"
            )
            self._behind = "" if current == self._ring.current else refusal
        raise Problem("refused", refusal)


def _head(ring: Keyring) -> bytes:
    return _VERSION + bytes.fromhex(ring.current)
