"""The vault: sealed values belong to one row and one key; the key file is made once, and closed."""

import base64
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.core.problems import Problem
from dogwatch.vault import HEAD_BYTES, KEY_BYTES, Keyring, Vault, key_from_text, load_or_create

KEY = bytes(range(KEY_BYTES))
VAULT = Vault(KEY)


@given(st.binary(max_size=300), st.text(st.characters(codec="utf-8"), max_size=40))
def test_what_is_sealed_opens_in_its_own_row(plain: bytes, context: str) -> None:
    assert VAULT.open(VAULT.seal(plain, context), context) == plain


def test_the_same_plain_text_never_seals_alike() -> None:
    assert VAULT.seal(b"secret", "row") != VAULT.seal(b"secret", "row")
    assert b"secret" not in VAULT.seal(b"secret", "row")


def test_swapped_rows_do_not_open() -> None:
    sealed = VAULT.seal(b"mine", "channel:1:secret")
    with pytest.raises(Problem, match="moved to another row"):
        VAULT.open(sealed, "channel:2:secret")


def test_every_flipped_bit_and_every_cut_is_noticed() -> None:
    sealed = VAULT.seal(b"secret", "row")
    damaged = [
        sealed[:index] + bytes([sealed[index] ^ 1 << bit]) + sealed[index + 1 :]
        for index in range(len(sealed))
        for bit in range(8)
    ]
    for value in [*damaged, *(sealed[:length] for length in range(len(sealed))), sealed + b"\0"]:
        with pytest.raises(Problem) as caught:
            VAULT.open(value, "row")
        assert caught.value.kind == "refused"


def test_another_data_key_is_named() -> None:
    other = Vault(b"\x07" * KEY_BYTES)
    with pytest.raises(Problem, match=f"the data key {VAULT.ring.current}"):
        other.open(VAULT.seal(b"secret", "row"), "row")


# --- the ring ---------------------------------------------------------------------------------


def test_a_ring_is_wrapped_and_adopted_with_its_own_secret_key_alone() -> None:
    first, other = Vault(KEY, Keyring.fresh()), Vault(b"\x07" * KEY_BYTES)
    sealed, proof = first.seal(b"secret", "row"), first.keyed_hash("dw_1", "api-key")
    second = Vault(KEY)
    assert second.keyed_hash("dw_1", "api-key") != proof
    second.adopt(first.wrapped())
    assert second.open(sealed, "row") == b"secret"
    assert second.keyed_hash("dw_1", "api-key") == proof
    with pytest.raises(Problem, match=f"belongs to the secret key {first.fingerprint()}"):
        other.adopt(first.wrapped())


def test_no_key_is_in_the_wrapped_text_nor_in_a_repr() -> None:
    ring = Keyring.fresh().with_new(7)
    told = ring.wrapped(KEY) + repr(ring) + repr(Vault(KEY, ring))
    for key in (KEY, ring.hash_key, *ring.data_keys.values()):
        for form in (base64.b64encode(key).decode(), key.hex(), repr(key)):
            assert form not in told


def test_a_changed_ring_is_refused() -> None:
    vault = Vault(KEY)
    given = json.loads(vault.wrapped(Keyring.fresh().with_new(7)))
    one, two = given["data"]
    swapped = {one: given["data"][two], two: given["data"][one]}
    for spoilt in (given | {"data": swapped}, given | {"hash": given["data"][one]}):
        with pytest.raises(Problem, match="damaged"):
            vault.adopt(json.dumps(spoilt))


def test_a_new_data_key_seals_and_older_ones_open() -> None:
    vault = Vault(KEY)
    old = vault.seal(b"secret", "row")
    vault.adopt(vault.wrapped(vault.ring.with_new(7)))
    new = vault.seal(b"secret", "row")
    assert old[:HEAD_BYTES] != new[:HEAD_BYTES] == vault.head
    assert vault.open(old, "row") == vault.open(new, "row") == b"secret"
    vault.adopt(vault.wrapped(vault.ring.only_current()))
    assert vault.open(new, "row") == b"secret"
    with pytest.raises(Problem, match="not in this database"):
        vault.open(old, "row")


def test_an_unknown_data_key_is_fetched() -> None:
    ahead, behind = Vault(KEY), Vault(KEY)
    ahead.adopt(ahead.wrapped(ahead.ring.with_new(7)))
    behind.renew = lambda: behind.adopt(ahead.wrapped())
    assert behind.open(ahead.seal(b"secret", "row"), "row") == b"secret"


def test_who_lacks_the_new_secret_key_opens_but_seals_no_more() -> None:
    new = b"\x07" * KEY_BYTES
    vault = Vault(KEY)
    sealed = vault.seal(b"secret", "row")
    ring = vault.ring.with_new(7)
    with pytest.raises(Problem, match="secret key"):
        vault.adopt(vault.ring.wrapped(new))
    assert vault.open(vault.seal(b"still", "row"), "row") == b"still"
    with pytest.raises(Problem, match="secret key"):
        vault.adopt(ring.wrapped(new))
    assert vault.open(sealed, "row") == b"secret"
    with pytest.raises(Problem, match="belongs to the secret key"):
        vault.seal(b"secret", "row")


def test_a_rotated_secret_key_is_found_where_it_is_kept() -> None:
    new = b"\x07" * KEY_BYTES
    vault = Vault(KEY, secret_keys=lambda: [b"x" * KEY_BYTES, new])
    vault.adopt(vault.ring.with_new(7).wrapped(new))
    assert (vault.fingerprint(), vault.ring.since_s) == (Vault(new).fingerprint(), 7)


def test_a_hash_depends_on_key_and_purpose_and_is_stable() -> None:
    hashes = {
        VAULT.keyed_hash("dw_1", "api-key"),
        VAULT.keyed_hash("dw_1", "session"),
        VAULT.keyed_hash("dw_2", "api-key"),
        Vault(b"\x07" * KEY_BYTES).keyed_hash("dw_1", "api-key"),
    }
    assert len(hashes) == 4
    assert {len(digest) for digest in hashes} == {32}
    assert Vault(KEY).keyed_hash("dw_1", "api-key") in hashes


def test_a_hash_takes_any_text_a_client_may_send() -> None:
    assert len(VAULT.keyed_hash("\ud800\0é", "api-key")) == 32


def test_a_fingerprint_tells_keys_apart_and_nothing_more() -> None:
    assert VAULT.fingerprint() != Vault(b"\x07" * KEY_BYTES).fingerprint()
    assert len(VAULT.fingerprint()) == 16
    assert VAULT.fingerprint() not in KEY.hex()


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(Problem, match="32 random bytes"):
        Vault(b"k" * length)


@pytest.mark.parametrize(
    "text",
    [
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "  AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
    ],
)
def test_a_key_is_read_from_text(text: str) -> None:
    assert key_from_text(text) == KEY


def test_both_base64_alphabets_are_read() -> None:
    assert key_from_text("-_" * 21 + "8=") == key_from_text("+/" * 21 + "8=")


@pytest.mark.parametrize("text", ["", "nonsense!", "AAEC", "é" * 44, "00" * 32])
def test_bad_text_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(Problem, match="openssl rand -base64 32") as caught:
        key_from_text(text)
    assert not text or text not in caught.value.message


def test_the_key_file_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "key"
    key = load_or_create(path)
    assert len(key) == KEY_BYTES
    assert load_or_create(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["key"]


def test_twenty_at_once_get_the_same_key(tmp_path: Path) -> None:
    for attempt in range(10):
        path = tmp_path / f"key{attempt}"
        gate = threading.Barrier(20)

        def take(path: Path = path, gate: threading.Barrier = gate) -> bytes:
            gate.wait()
            return load_or_create(path)

        with ThreadPoolExecutor(20) as pool:
            futures = [pool.submit(take) for _ in range(20)]
        assert len({future.result() for future in futures}) == 1
    assert len(list(tmp_path.iterdir())) == 10


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_key_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    load_or_create(path)
    path.chmod(mode)
    with pytest.raises(Problem, match=f"{mode:04o}.*chmod 600"):
        load_or_create(path)


@pytest.mark.parametrize("content", [b"", b"AAEC\n", b"\xff" * 44, b"A" * 5000])
def test_a_broken_key_file_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(Problem, match="openssl"):
        load_or_create(path)
    assert path.read_bytes() == content


def test_a_missing_directory_is_said(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="No such file"):
        load_or_create(tmp_path / "absent" / "key")


def test_a_generous_umask_opens_nothing(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        load_or_create(tmp_path / "key")
    finally:
        os.umask(before)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
