"""The first start of a server: its set-up link on the screen and in a file, until it is used."""

import http.client
import stat
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.eventually import eventually
from tests.harness.served import Served


@pytest.fixture
def served(served: Served) -> Served:
    """A server that is started for the first time."""
    return served.start()


def sent(served: Served, method: str, path: str, body: str = "") -> int:
    """Send a form as a browser does; return the status."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": served.url}
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def claim(served: Served, link: str) -> int:
    """Set up the instance by a link."""
    [code] = parse_qs(urlsplit(link).query)["code"]
    given = {"code": code, "name": "Ana", "email": "ana@example.org", "password": "tea for four"}
    return sent(served, "POST", "/setup", urlencode(given))


def test_the_link_works_once_and_its_file_goes_with_it(served: Served) -> None:
    file = served.data / "setup.url"
    link = file.read_text().strip()
    eventually(
        lambda: link in served.log.read_text(), within_s=60, what="the link is on the screen"
    )
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert claim(served, link) == 303
    assert not file.exists()
    assert (sent(served, "GET", "/setup"), claim(served, link)) == (410, 410)
    served.stop()
    before = served.log.stat().st_size
    served.start()
    assert not file.exists()
    served.stop()
    assert "/setup" not in served.log.read_bytes()[before:].decode()


def test_init_gives_a_new_link_beside_the_server(served: Served) -> None:
    old = (served.data / "setup.url").read_text().strip()
    new = served.cli("init", "--listen", f"127.0.0.1:{served.port}").stdout.strip()
    assert new != old
    assert claim(served, old) == 403
    assert claim(served, new) == 303
    assert "this instance is set up" in served.cli("init", code=4).stderr
