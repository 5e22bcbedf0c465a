"""The identity provider, from the configuration to a real process."""

import re
import subprocess
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from dogwatch.boot import oidc
from dogwatch.clock import SystemClock
from dogwatch.config import Config, load
from dogwatch.core.problems import Problem
from tests.harness.identity_provider import CLIENT_ID, SECRET, identity_provider
from tests.harness.served import Served


def configured(tmp_path: Path, **given: str) -> Config:
    issuer = {"oidc_issuer": "https://id.example", "base_url": "https://watch.example/dog/"}
    named = {f"DOGWATCH_{name.upper()}": value for name, value in (issuer | given).items()}
    return load({}, {"DOGWATCH_DATA": str(tmp_path)} | named)


def refusal(tmp_path: Path, **given: str) -> str:
    with pytest.raises(Problem) as caught:
        oidc.client(configured(tmp_path, **given))
    return caught.value.message


def test_the_client_is_as_configured(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush\n")
    file = str(tmp_path / "secret")
    client = oidc.client(configured(tmp_path, oidc_client_id="x", oidc_client_secret_file=file))
    assert client
    assert client.redirect_uri == "https://watch.example/dog/login/oidc/callback"
    assert (client.secret, client.host, "hush" in repr(client)) == ("hush", "id.example", False)
    public = oidc.client(configured(tmp_path, oidc_client_id="x"))
    assert public
    assert public.secret is None
    assert oidc.client(load({}, {"DOGWATCH_DATA": str(tmp_path)})) is None


def test_what_is_missing_is_told_before_anything_begins(tmp_path: Path) -> None:
    assert "DOGWATCH_OIDC_CLIENT_ID: is missing" in refusal(tmp_path)
    (tmp_path / "empty").write_text("\n")
    known = {"oidc_client_id": "x", "oidc_client_secret_file": str(tmp_path / "empty")}
    assert "is empty" in refusal(tmp_path, **known)
    assert "not both" in refusal(tmp_path, **known, oidc_client_secret="hush")
    known["oidc_client_secret_file"] = str(tmp_path / "gone")
    assert "No such file" in refusal(tmp_path, **known)
    served = Served(tmp_path / "node")
    done = served.cli("up", "--oidc-issuer", "https://id.example", code=2)
    assert "DOGWATCH_OIDC_CLIENT_ID" in done.stderr
    assert "Traceback" not in done.stderr


def asked(served: Served, path: str, cookie: str = "") -> tuple[HTTPResponse, str]:
    connection = HTTPConnection("127.0.0.1", served.port, timeout=60)
    try:
        connection.request("GET", path, headers={"Cookie": cookie, "Connection": "close"})
        answer = connection.getresponse()
        return answer, answer.read().decode()
    finally:
        connection.close()


def test_a_person_signs_in_to_a_real_server(served: Served, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    with identity_provider(SystemClock()) as idp:
        idp.person = {"sub": "1", "email": "ben@example.org", "email_verified": True}
        served.flags = {
            "base-url": served.url,
            "oidc-issuer": idp.issuer,
            "oidc-client-id": CLIENT_ID,
            "oidc-client-secret-file": str(tmp_path / "secret"),
            "oidc-new-people": "example.org",
        }
        served.start()
        for first in (True, False):
            begun, _ = asked(served, "/login/oidc")
            back = urlsplit(idp.visit(begun.headers["location"]))
            flow = begun.headers["set-cookie"].partition(";")[0]
            answer, page = asked(served, f"{back.path}?{back.query}", flow)
            if first:
                assert (answer.status, "nobody here is linked" in page.lower()) == (403, True)
                set_up(served)
        assert answer.status == 303
        cookies = " ".join(answer.headers.get_all("set-cookie") or [])
        session = re.search(r"dogwatch=\w+", cookies)
        assert session
        assert "ben@example.org" in asked(served, "/account", session[0])[1]
    assert served.stop() == 0
    assert "Traceback" not in served.log.read_text()
    assert SECRET not in served.log.read_text()


def set_up(served: Served) -> None:
    """Make the first person on the host."""
    done = subprocess.run(
        [*served.program, "init", "--email", "ana@example.org", "--password-stdin"],
        input="four kinds of tea\n", text=True, env=served.environ,
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done
