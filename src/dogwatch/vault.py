"""Encryption of what must not be read from the database, and the one key behind it."""

import base64
import binascii
import contextlib
import hmac
import os
import secrets
import stat
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from dogwatch import directory
from dogwatch.core.problems import Problem

KEY_BYTES = 32
_VERSION = b"\x01"
_KEY_ID_BYTES = 4
_NONCE_BYTES = 12
_HEAD_BYTES = len(_VERSION) + _KEY_ID_BYTES + _NONCE_BYTES
_HINT = "a key is 32 random bytes in base64, as `openssl rand -base64 32` prints it"


class Vault:
    """Seals with AES-256-GCM and hashes with HMAC-SHA256, under subkeys of one key (HKDF).

    A sealed value is: version byte, 4 bytes of key id, 12 bytes of random nonce, ciphertext and
    tag. All before the ciphertext is authenticated with it, and so is the `context`.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise Problem("refused", f"The key has {len(key)} bytes; {_HINT}.")
        self._key = key
        self._cipher = AESGCM(self._subkey("seal"))
        self._fingerprint = self._subkey("fingerprint")[:8]

    def seal(self, plain: bytes, context: str) -> bytes:
        """Encrypt `plain` for the row that `context` names; it opens with that context alone."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        head = _VERSION + self._key_id() + nonce
        return head + self._cipher.encrypt(nonce, plain, _associated(head, context))

    def open(self, sealed: bytes, context: str) -> bytes:
        """Decrypt; raise a Problem if the value is damaged, another row's or another key's."""
        head, body = sealed[:_HEAD_BYTES], sealed[_HEAD_BYTES:]
        if len(head) < _HEAD_BYTES or head[:1] != _VERSION:
            raise Problem("refused", "A sealed value is damaged or of a newer Dogwatch.")
        if head[1 : 1 + _KEY_ID_BYTES] != self._key_id():
            raise Problem(
                "refused",
                "A sealed value was made with another key than the present one "
                f"({self.fingerprint()}); put the former key back.",
            )
        try:
            return self._cipher.decrypt(head[-_NONCE_BYTES:], body, _associated(head, context))
        except InvalidTag:
            raise Problem(
                "refused", "A sealed value was changed or moved to another row."
            ) from None

    def keyed_hash(self, value: str, purpose: str) -> bytes:
        """Return 32 bytes by which a secret is found again; `purpose` keeps uses apart."""
        return hmac.digest(
            self._subkey(f"hash:{purpose}"), value.encode(errors="surrogatepass"), "sha256"
        )

    def fingerprint(self) -> str:
        """Return 16 hex digits that name the key and tell nothing of it."""
        return self._fingerprint.hex()

    def _key_id(self) -> bytes:
        return self._fingerprint[:_KEY_ID_BYTES]

    def _subkey(self, purpose: str) -> bytes:
        info = f"dogwatch/1/{purpose}".encode()
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(self._key)


def _associated(head: bytes, context: str) -> bytes:
    return head + context.encode()


def key_from_text(text: str) -> bytes:
    """Read a key of 32 bytes from base64 (either alphabet), as an environment variable holds it."""
    try:
        key = base64.b64decode(text.strip().translate(_URL_SAFE), validate=True)
    except (binascii.Error, ValueError):
        raise Problem("refused", f"The key isn't base64; {_HINT}.") from None
    if len(key) != KEY_BYTES:
        raise Problem("refused", f"The key has {len(key)} bytes; {_HINT}.")
    return key


_URL_SAFE = str.maketrans("-_", "+/")


def load_or_create(path: Path) -> bytes:
    """Return the key in the file `path`, made on first use (mode 0600) by whoever comes first."""
    try:
        if not path.exists():
            _create(path)
        return _load(path)
    except OSError as error:
        raise Problem("refused", f"The key file {path} can't be used: {error.strerror}.") from error


def _load(path: Path) -> bytes:
    with path.open("rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        text = file.read(1024)
    if mode & 0o077:
        raise Problem(
            "refused",
            f"The key file {path} can be read by others (mode {mode:04o}); run: chmod 600 {path}",
        )
    try:
        return key_from_text(text.decode("ascii", "replace"))
    except Problem as problem:
        raise Problem("refused", f"{path}: {problem.message}") from None


def _create(path: Path) -> None:
    """Write a whole file aside, then link it: nobody sees half a key, and one writer wins."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        _write(aside, base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(aside)
    finally:
        aside.unlink(missing_ok=True)
    directory.sync(path.parent)


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
