"""The provider over HTTP: discovery, keys and the exchange of a code (OpenID Connect Core 1.0)."""

import asyncio
import json
import logging
import re
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

from joserfc.jwk import Key

from dogwatch.clock import Clock
from dogwatch.core.http_action import check_url
from dogwatch.core.problems import Problem
from dogwatch.egress import EgressError, Request, Response
from dogwatch.oidc.client import SCOPES, Client
from dogwatch.oidc.flow import Flow
from dogwatch.oidc.token import Identity, TokenError, UnknownKeyError, identity_of, keys_of

KNOWN_S = 3600.0
"""How long discovery and keys are taken for true."""
KEYS_AGAIN_S = 60.0
"""How often at most an unknown key makes us ask for newer ones."""
TIMEOUT_S = 10.0
FAILED_S = 5.0
_MOST_BYTES = 256 * 1024
_WORD = re.compile(r"[\w.-]{1,64}", re.ASCII)

_log = logging.getLogger("dogwatch.oidc")

Fetch = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Endpoints:
    """What discovery tells."""

    authorization: str
    token: str
    keys: str
    basic: bool
    names_issuer: bool


class Provider:
    """One provider, asked through `fetch`; what it publishes is remembered for an hour."""

    def __init__(self, client: Client, fetch: Fetch, clock: Clock) -> None:
        self.client = client
        self._fetch = fetch
        self._clock = clock
        self._endpoints: tuple[float, Endpoints] | None = None
        self._keys: tuple[float, Sequence[Key]] | None = None
        self._asked_anew_s: float | None = None
        self._asking = asyncio.Lock()
        self._failed: tuple[float, str] | None = None

    async def begin(self, flow: Flow) -> str:
        """Return where the browser goes to sign in; Problem away if nobody can tell."""
        asked = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": self.client.redirect_uri,
            "scope": SCOPES,
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": flow.challenge,
            "code_challenge_method": "S256",
        }
        place = (await self._discovered()).authorization
        return f"{place}{'&' if urlsplit(place).query else '?'}{urlencode(asked)}"

    async def finish(self, flow: Flow, answer: Mapping[str, str]) -> Identity:
        """Return whom the provider's answer, the query of the redirect, names.

        Problem refused where it proves nothing, away where the provider fails.
        """
        if not flow.belongs(answer.get("state", "")):
            raise _refused("the answer is not to this sign-in; begin again")
        endpoints = await self._discovered()
        said = answer.get("iss")
        if said != self.client.issuer and (said is not None or endpoints.names_issuer):
            raise _refused("the answer is of another provider")  # RFC 9207
        if error := answer.get("error"):
            raise _refused(f"it says {error if _WORD.fullmatch(error) else 'no'}")
        if not (code := answer.get("code", "")):
            raise _refused("its answer has no code")
        return await self._proven(await self._exchanged(endpoints, flow, code), flow)

    # --- what it publishes ------------------------------------------------------------------

    async def _discovered(self) -> Endpoints:
        async with self._asking:
            if self._endpoints is None or self._is_old(self._endpoints[0]):
                place = f"{self.client.issuer.rstrip('/')}/.well-known/openid-configuration"
                found = self._endpoints_of(await self._get(place))
                self._endpoints = self._clock.monotonic(), found
            return self._endpoints[1]

    def _endpoints_of(self, document: Mapping[str, Any]) -> Endpoints:
        if document.get("issuer") != self.client.issuer:
            raise _away("its discovery document is of another issuer; compare the setting")
        ways = document.get("token_endpoint_auth_methods_supported")
        return Endpoints(
            authorization=self._place(document, "authorization_endpoint"),
            token=self._place(document, "token_endpoint"),
            keys=self._place(document, "jwks_uri"),
            basic=not isinstance(ways, list) or "client_secret_basic" in ways,
            names_issuer=document.get("authorization_response_iss_parameter_supported") is True,
        )

    def _place(self, document: Mapping[str, Any], name: str) -> str:
        """Return an address; under an issuer on https none is less safe."""
        place = document.get(name)
        safe = self.client.issuer.startswith("https:")
        wrong = check_url(place) if isinstance(place, str) and place.isascii() else "is no address"
        if wrong or not isinstance(place, str) or (safe and not place.startswith("https:")):
            raise _away(f"its discovery document has no good {name}")
        return place.partition("#")[0]

    async def _published(self, endpoints: Endpoints, *, anew: bool = False) -> Sequence[Key]:
        async with self._asking:
            if self._keys is None or self._is_old(self._keys[0]) or (anew and self._may_ask()):
                found = keys_of(await self._get(endpoints.keys))
                self._keys = self._clock.monotonic(), found
            return self._keys[1]

    def _is_old(self, since_s: float) -> bool:
        return self._clock.monotonic() - since_s > KNOWN_S

    def _may_ask(self) -> bool:
        """Whether an unknown key may make us ask anew; anybody can send tokens that name one."""
        now_s = self._clock.monotonic()
        if self._asked_anew_s is not None and now_s - self._asked_anew_s < KEYS_AGAIN_S:
            return False
        self._asked_anew_s = now_s
        return True

    # --- a code for a token -----------------------------------------------------------------

    async def _exchanged(self, endpoints: Endpoints, flow: Flow, code: str) -> str:
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.client.redirect_uri,
            "code_verifier": flow.verifier,
        }
        headers = [("Content-Type", "application/x-www-form-urlencoded"), _JSON]
        if self.client.secret is not None and endpoints.basic:
            headers.append(("Authorization", _basic(self.client.client_id, self.client.secret)))
        else:
            fields["client_id"] = self.client.client_id
            fields |= {"client_secret": self.client.secret} if self.client.secret else {}
        asked = Request("POST", endpoints.token, headers, urlencode(fields).encode())
        status, document = await self._ask(asked)
        token = document.get("id_token")
        if status == 200 and isinstance(token, str):
            return token
        if 400 <= status < 500:
            error = str(document.get("error", status))
            raise _refused(
                f"it did not take the code ({error if _WORD.fullmatch(error) else 'error'})"
            )
        raise _away(f"its token endpoint answered {status} without an ID token")

    async def _proven(self, token: str, flow: Flow) -> Identity:
        endpoints, at = await self._discovered(), self._clock.now()
        try:
            try:
                keys = await self._published(endpoints)
                return identity_of(token, keys, self.client, flow, at)
            except UnknownKeyError:
                keys = await self._published(endpoints, anew=True)
                return identity_of(token, keys, self.client, flow, at)
        except TokenError as error:
            raise _refused(str(error)) from None

    async def _get(self, place: str) -> Mapping[str, Any]:
        """Return what it publishes; while it fails, those who wait in a row are told at once."""
        if self._failed and self._clock.monotonic() - self._failed[0] < FAILED_S:
            raise Problem("away", self._failed[1])
        try:
            status, document = await self._ask(Request("GET", place, [_JSON]))
            if status != 200:
                raise _away(f"it answered {status}")
        except Problem as problem:
            self._failed = self._clock.monotonic(), problem.message
            raise
        return document

    async def _ask(self, request: Request) -> tuple[int, Mapping[str, Any]]:
        """Return status and JSON object of an answer, {} where it has none."""
        bounded = replace(request, timeout_s=TIMEOUT_S, max_body_bytes=_MOST_BYTES)
        try:
            answer = await self._fetch(bounded)
        except EgressError as error:
            raise _away(str(error)) from None
        try:
            document = json.loads(answer.body)
        except (ValueError, RecursionError):
            document = None
        return answer.status_code, document if isinstance(document, dict) else {}


_JSON = ("Accept", "application/json")


def _basic(client_id: str, secret: str) -> str:
    """Return HTTP Basic of what is encoded as in forms (RFC 6749, section 2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return f"Basic {b64encode(pair.encode()).decode()}"


def _refused(why: str) -> Problem:
    _log.warning("a sign-in by the identity provider was refused: %s", why)
    return Problem("refused", f"the identity provider did not sign you in: {why}")


def _away(why: str) -> Problem:
    _log.warning("the identity provider is of no use: %s", why)
    return Problem("away", f"the identity provider cannot be used now: {why}")
