"""A small OpenID Connect provider on loopback: real HTTP, real keys, and lies when told to lie."""

import base64
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from dogwatch.clock import Clock

CLIENT_ID, SECRET = "dog watch", "s:e/cret +%"
Sign = Callable[["IdentityProvider", dict[str, Any]], str]
Key = RSAKey | ECKey


@dataclass
class IdentityProvider:
    """Signs in `person` at once. `claims` replace those of its tokens (None leaves one out),
    `sign` makes the token, `document` replaces lines of discovery, `status` answers everything."""

    clock: Clock
    port: int = 0
    person: dict[str, Any] = field(default_factory=lambda: {"sub": "ana-1"})
    claims: dict[str, Any] = field(default_factory=dict)
    document: dict[str, Any] = field(default_factory=dict)
    answer: dict[str, str] = field(default_factory=dict)
    status: int = 200
    sign: Sign = field(default_factory=lambda: by_key)
    keys: list[Key] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    once: bool = True

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    # --- what it answers ---

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        """Answer discovery and keys."""
        self.asked.append(path)
        if path == "/keys":
            return self.status, {"keys": [key.as_dict(private=False) for key in self.keys]}
        if path != "/.well-known/openid-configuration":
            return 404, {}
        found = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize?tenant=1",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }
        return self.status, found | self.document

    def authorized(self, query: dict[str, str]) -> str:
        """Return where the browser is led after its person signed in."""
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT_ID
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        code = f"code-{len(self.codes)}"
        self.codes[code] = query
        told = {"code": code, "state": query["state"]} | self.answer
        return f"{query['redirect_uri']}?{urlencode(told)}"

    def exchanged(self, basic: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Answer the token endpoint: each code once, for its client and its verifier."""
        self.asked.append("/token")
        if self.status != 200:
            return self.status, {}
        identified = unquote_plus(basic).split(":", 1) == [CLIENT_ID, SECRET]
        query = self.codes.get(form["code"])
        if self.once:
            self.codes.pop(form["code"], None)
        if not identified:
            return 401, {"error": "invalid_client"}
        if query is None or not _verified(query, form):
            return 400, {"error": "invalid_grant"}
        return 200, {"token_type": "Bearer", "access_token": "x", "id_token": self.token(query)}

    def token(self, query: dict[str, str]) -> str:
        """Return an ID token."""
        now = int(self.clock.now().timestamp())
        true = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300,
                "nonce": query["nonce"], **self.person}  # fmt: skip
        claims = true | self.claims
        return self.sign(self, {name: v for name, v in claims.items() if v is not None})

    # --- the person's browser, there ---

    def visit(self, address: str) -> str:
        """Follow a link to the provider and return the address that it leads back to."""
        url = urlsplit(address)
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", f"{url.path}?{url.query}")
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 302
            return answer.headers["location"]
        finally:
            connection.close()


def _verified(query: dict[str, str], form: dict[str, str]) -> bool:
    digest = hashlib.sha256(form["code_verifier"].encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return (
        challenge == query["code_challenge"]
        and form["redirect_uri"] == query["redirect_uri"]
        and form["grant_type"] == "authorization_code"
    )


# --- ways to sign ---


def by_key(provider: IdentityProvider, claims: dict[str, Any]) -> str:
    """Sign as it should, by the newest key."""
    return by(provider.keys[-1])(provider, claims)


def by(key: Key, **header: str) -> Sign:
    """Return what signs by a key of its own."""

    def sign(_: IdentityProvider, claims: dict[str, Any]) -> str:
        algorithm = "RS256" if isinstance(key, RSAKey) else "ES256"
        return jwt.encode({"alg": algorithm, "kid": str(key.kid), **header}, claims, key)

    return sign


def unsigned(_: IdentityProvider, claims: dict[str, Any]) -> str:
    """Sign by nothing (alg none)."""
    return ".".join([_part({"alg": "none"}), _part(claims), ""])


def by_public_key(provider: IdentityProvider, claims: dict[str, Any]) -> str:
    """Sign by HS256 with the public key as the secret, which everybody knows."""
    public = provider.keys[-1]
    secret = OctKey.import_key(public.as_bytes(private=False).removeprefix(b"-----BEGIN"))
    header = {"alg": "HS256", "kid": str(public.kid)}
    return jwt.encode(header, claims, secret, algorithms=["HS256"])


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


# --- serving ---


@contextmanager
def identity_provider(clock: Clock) -> Iterator[IdentityProvider]:
    """Yield a running provider with one RSA key."""
    provider = IdentityProvider(clock)
    provider.keys.append(RSAKey.generate_key(2048, {"kid": "first"}))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(provider))
    provider.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(provider: IdentityProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            if url.path == "/authorize":
                self.send_response(302)
                self.send_header("location", provider.authorized(_fields(url.query)))
                self.send_header("content-length", "0")
                self.end_headers()
            else:
                self._json(*provider.get(url.path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            basic = self.headers.get("authorization", "").removeprefix("Basic ")
            self._json(*provider.exchanged(base64.b64decode(basic).decode(), _fields(body)))

        def _json(self, status: int, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (its name)
            """Say nothing."""

    return Handler


def _fields(text: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(text).items()}
