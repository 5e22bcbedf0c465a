"""ID tokens as text: whatever comes, it is an identity or a TokenError."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from dogwatch.oidc import Client, Flow, Identity
from dogwatch.oidc.token import TokenError, identity_of, keys_of

AT = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
ALL = ("RS256", "RS384", "PS256", "ES256", "ES512", "Ed25519")
CLIENT = Client("https://id.example", "dog", "https://w.example/login/oidc/callback", None, ALL)
FLOW = Flow("sign-in", "", int(AT.timestamp()), "state", "nonce", "verifier")
RSA, EC = RSAKey.generate_key(2048, {"kid": "r"}), ECKey.generate_key("P-256", {"kid": "e"})
OKP = OKPKey.generate_key("Ed25519", {"kid": "o"})
KEYS = keys_of({"keys": [key.as_dict(private=False) for key in (RSA, EC, OKP)]})
NOW = int(AT.timestamp())
CLAIMS = {
    "iss": CLIENT.issuer,
    "aud": "dog",
    "sub": "1",
    "nonce": "nonce",
    "iat": NOW,
    "exp": NOW + 9,
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


def judged(token: str) -> Identity | None:
    try:
        return identity_of(token, KEYS, CLIENT, FLOW, AT)
    except TokenError:
        return None


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_each_kind_of_key_signs() -> None:
    for key, algorithm in ((RSA, "RS256"), (RSA, "PS256"), (EC, "ES256"), (OKP, "Ed25519")):
        header = {"alg": algorithm, "kid": str(key.kid)}
        assert judged(jwt.encode(header, CLAIMS, key, algorithms=[algorithm])) == Identity(
            "https://id.example", "1"
        )
    assert judged(jwt.encode({"alg": "ES256"}, CLAIMS, EC)) is not None  # names no key


@pytest.mark.parametrize(
    "algorithm", [*ALL, "none", "HS256", "None", "", "RS1", None, 7, ["RS256"]]
)
@pytest.mark.parametrize("kid", ["r", "e", "o", None, 7, {"a": 1}, ""])
def test_no_header_makes_a_foreign_signature_good(algorithm: Any, kid: Any) -> None:
    for signature in ("", "AAAA", part({}) * 30):
        for extra in ({}, {"crit": ["b64"], "b64": False}, {"jwk": EC.as_dict(private=False)}):
            header = {"alg": algorithm, "kid": kid, **extra}
            assert judged(".".join([part(header), part(CLAIMS), signature])) is None


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60), st.dictionaries(st.sampled_from(sorted(CLAIMS)), json_values))
def test_text_and_claims_of_any_kind(text: str, claims: dict[str, Any]) -> None:
    assert judged(text) is None
    try:
        signed = jwt.encode({"alg": "ES256", "kid": "e"}, CLAIMS | claims, EC)
    except ValueError:
        return
    found = judged(signed)
    assert found is None or found.issuer == CLIENT.issuer


@settings(max_examples=60, deadline=None)
@given(json_values)
def test_keys_of_any_kind(value: Any) -> None:
    assert keys_of({"keys": value}) == []
    public = RSA.as_dict(private=False)
    spoilt = keys_of({"keys": [value, {**public, "n": value}, {"kty": value}, {"kty": "RSA"}]})
    assert len(spoilt) <= 1


def test_keys_that_everybody_knows_or_that_only_encrypt_are_passed_over() -> None:
    shared = OctKey.generate_key(256, {"kid": "s"}).as_dict(private=True)
    hidden = {**EC.as_dict(private=False), "use": "enc"}
    assert keys_of({"keys": [shared, hidden, RSA.as_dict(private=False)]})[0].kid == "r"
    assert keys_of({}) == []
