"""The mail server's address, and when it may be spoken to in the clear."""

import pytest

from dogwatch.core.problems import Problem
from dogwatch.notify.smtp import mail_server


def test_a_server_s_address_is_read_whole() -> None:
    server = mail_server("smtps://me:p%40ss@mail.example?from=watch@example.org")
    assert (server.host, server.port, server.sender) == ("mail.example", 465, "watch@example.org")
    assert (server.user, server.password, server.implicit_tls) == ("me", "p@ss", True)
    assert "p@ss" not in repr(server)


TLS = [
    ("smtp://mail.example?from=a@b.example", "required", 587),
    ("smtp://mail.example:25?from=a@b.example&tls=optional", "optional", 25),
    ("smtp://localhost:25?from=a@b.example", "optional", 25),
    ("smtp://[::1]:25?from=a@b.example&tls=required", "required", 25),
    ("smtp://mail.example?from=a@b.example&tls=off", "off", 587),
]


@pytest.mark.parametrize(("url", "tls", "port"), TLS)
def test_encryption_is_required_beyond_this_machine(url: str, tls: str, port: int) -> None:
    assert (mail_server(url).tls, mail_server(url).port) == (tls, port)


def test_an_unknown_wish_is_refused_and_no_password_told() -> None:
    with pytest.raises(Problem) as caught:
        mail_server("smtp://me:s3cret@mail.example?from=a@b.example&tls=maybe")
    assert "s3cret" not in caught.value.message
