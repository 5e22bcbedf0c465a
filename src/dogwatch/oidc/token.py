"""An ID token: its signature and its claims (OpenID Connect Core 1.0, section 3.1.3.7)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError, MissingClaimError
from joserfc.jwk import Key, import_key
from joserfc.jws import extract_compact

from dogwatch.oidc.client import Client
from dogwatch.oidc.flow import Flow

LEEWAY_S = 120
"""How far the clocks of provider and Dogwatch may be apart."""
LONGEST = 16_384
_MOST_KEYS = 100
_ASYMMETRIC = ("RSA", "EC", "OKP")


class TokenError(Exception):
    """An ID token that proves nothing, and why, in words for an admin."""


class UnknownKeyError(TokenError):
    """The token was signed by a key that is not among those known; there may be newer ones."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom the provider vouches for; `email` is set only where it says that it is verified."""

    issuer: str
    subject: str
    email: str | None = None
    name: str = ""


def keys_of(document: Mapping[str, Any]) -> Sequence[Key]:
    """Return the keys of a JWK Set that can have signed something; others are passed over.

    A symmetric key there would be known to everybody.
    """
    given = document.get("keys")
    found = []
    for one in given[:_MOST_KEYS] if isinstance(given, list) else []:
        if isinstance(one, dict) and one.get("kty") in _ASYMMETRIC and one.get("use") != "enc":
            try:
                found.append(import_key(one))
            except (JoseError, ValueError, TypeError, KeyError):
                continue
    return found


def identity_of(
    token: str, keys: Sequence[Key], client: Client, flow: Flow, at: datetime
) -> Identity:
    """Return whom a token names; TokenError unless it is signed, meant for us, fresh and the
    answer to this flow."""
    claims = _signed(token, keys, client.algorithms)
    _check(claims, client, flow, at)
    subject = claims["sub"]
    if not 1 <= len(subject) <= 255 or not subject.isascii() or not subject.isprintable():
        raise TokenError("the subject is not one that OpenID Connect allows")
    email, name = claims.get("email"), claims.get("name")
    verified = claims.get("email_verified") is True and isinstance(email, str)
    return Identity(client.issuer, subject, str(email) if verified else None, _plain(name))


def _plain(name: object) -> str:
    return name if isinstance(name, str) and name.isprintable() else ""


def _signed(token: str, keys: Sequence[Key], algorithms: Sequence[str]) -> dict[str, Any]:
    """Return the claims of a token that one of the keys signed, by a pinned algorithm."""
    if len(token) > LONGEST:
        raise TokenError("the token is too long")
    try:
        header = extract_compact(token.encode()).headers()
    except (JoseError, ValueError, TypeError) as error:
        raise TokenError("it is no signed token") from error
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise TokenError(f"the token is not signed by one of {', '.join(algorithms)}")
    named = [key for key in keys if kid is None or key.kid == kid]
    if not named:
        raise UnknownKeyError("the token is signed by a key that the provider does not publish")
    for key in named:
        try:
            return jwt.decode(token, key, algorithms=[algorithm]).claims
        except (JoseError, ValueError, TypeError):
            continue
    raise UnknownKeyError("the signature is wrong")  # unless a new key has the name of an old one


def _check(claims: dict[str, Any], client: Client, flow: Flow, at: datetime) -> None:
    now = int(at.timestamp())
    rules = jwt.JWTClaimsRegistry(
        now=now,
        leeway=LEEWAY_S,
        iss={"essential": True, "value": client.issuer},
        aud={"essential": True, "value": client.client_id},
        nonce={"essential": True, "value": flow.nonce},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
    )
    try:
        rules.validate(claims)
    except ExpiredTokenError:
        raise TokenError("the token has expired; compare the clocks") from None
    except MissingClaimError as error:
        raise TokenError(f"the token lacks {error.claim}") from None
    except InvalidClaimError as error:
        raise TokenError(_WRONG.get(error.claim, f"{error.claim} is not valid")) from None
    if not isinstance(claims["nonce"], str):
        raise TokenError(_WRONG["nonce"])
    if claims["iat"] < flow.begun_at_s - LEEWAY_S:
        raise TokenError("the token is older than this sign-in")
    _check_party(claims, client)


def _check_party(claims: Mapping[str, Any], client: Client) -> None:
    """Whoever else a token is meant for, it must have been made for us."""
    audience, party = claims["aud"], claims.get("azp")
    others = isinstance(audience, list) and set(audience) != {client.client_id}
    if (others or party is not None) and party != client.client_id:
        raise TokenError("the token was made for another client (azp)")


_WRONG = {
    "iss": "the token is of another issuer",
    "aud": "the token is meant for another client (aud)",
    "nonce": "the token answers another sign-in (nonce)",
    "iat": "the token is of the future; compare the clocks",
    "nbf": "the token is not valid yet; compare the clocks",
}
