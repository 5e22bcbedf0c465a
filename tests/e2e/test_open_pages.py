"""Pages that are open in browsers keep no server from going."""

import re
import signal
import time
from http.client import HTTPConnection
from urllib.parse import urlencode

from tests.e2e.conftest import Serve
from tests.harness.served import PROMPT_S, Served

PASSWORD = "four kinds of tea"
FORM = "application/x-www-form-urlencoded"


def signed_in(served: Served) -> str:
    """Set up the instance by the link that it printed; return the cookie."""
    link = (served.data / "setup.url").read_text().strip()
    code = re.findall(r"code=([^&\s]+)", link)[0]
    fields = {"code": code, "name": "Ana", "email": "ana@example.org", "password": PASSWORD}
    conn = HTTPConnection("127.0.0.1", served.port, timeout=60)
    given = {"content-type": FORM, "origin": served.url}
    conn.request("POST", "/setup", urlencode(fields), given)
    answer = conn.getresponse()
    answer.read()
    conn.close()
    assert answer.status == 303
    return str(answer.headers["set-cookie"]).partition(";")[0]


def test_ten_open_pages_do_not_hold_it(serve: Serve) -> None:
    served = serve()
    headers = {"cookie": signed_in(served), "dogwatch-live": "1"}
    open_pages = [HTTPConnection("127.0.0.1", served.port, timeout=60) for _ in range(10)]
    for one in open_pages:
        one.request("GET", "/", headers=headers)
        answer = one.getresponse()
        assert (answer.status, b"dashboard-" in answer.read()) == (200, True)
    began = time.monotonic()
    assert served.end(signal.SIGTERM) == 0
    assert time.monotonic() - began < PROMPT_S
    for one in open_pages:
        one.close()
