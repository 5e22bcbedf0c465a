"""One typed definition of all settings: precedence, errors that name their source, masking."""

import base64
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from dogwatch.config import SETTINGS, Config, Listen, data_dir, describe, load
from dogwatch.core.masking import mask_url
from dogwatch.core.problems import Problem

SECRET_KEY = base64.b64encode(b"hunter2 " * 4).decode()


def configured(tmp_path: Path, toml: str = "", flags: Any = None, **variables: str) -> Config:
    (tmp_path / "dogwatch.toml").write_text(toml)
    named = {f"DOGWATCH_{name.upper()}": value for name, value in variables.items()}
    return load(flags or {}, {"DOGWATCH_DATA": str(tmp_path)} | named)


def refusal(tmp_path: Path, toml: str = "", **variables: str) -> dict[str, str]:
    with pytest.raises(Problem) as caught:
        configured(tmp_path, toml, **variables)
    assert caught.value.kind == "invalid"
    return dict(caught.value.fields)


def test_defaults_need_nothing(tmp_path: Path) -> None:
    config = load({}, {"HOME": str(tmp_path)})
    assert config.data == tmp_path / ".local/share/dogwatch"
    assert config.database_url == f"sqlite:///{tmp_path}/.local/share/dogwatch/dogwatch.db"
    assert config.base_url == "http://127.0.0.1:8000"
    assert config.ping_body_limit_bytes == 10_000
    assert config.smtp_url is None
    assert set(config.sources.values()) == {"default"}


def test_xdg_data_home_moves_the_default(tmp_path: Path) -> None:
    assert data_dir(None, {"XDG_DATA_HOME": "/x", "HOME": str(tmp_path)}) == Path("/x/dogwatch")


def test_flags_beat_environment_beats_file_beats_default(tmp_path: Path) -> None:
    toml = 'log_level = "error"\nlog_format = "json"\nbash = "/bin/bash"'
    config = configured(tmp_path, toml, {"log_level": "debug"}, log_level="info", log_format="text")
    assert (config.log_level, config.log_format, config.bash) == ("debug", "text", "/bin/bash")
    assert config.sources["log_level"] == "--log-level"
    assert config.sources["log_format"] == "DOGWATCH_LOG_FORMAT"
    assert config.sources["bash"] == f"{tmp_path}/dogwatch.toml:bash"
    assert config.sources["node"] == "default"


def test_an_empty_variable_is_not_given(tmp_path: Path) -> None:
    assert configured(tmp_path, listen="").listen == Listen("127.0.0.1", 8000)


def test_all_errors_at_once_each_with_its_source(tmp_path: Path) -> None:
    wrong = refusal(
        tmp_path, 'http_concurrency = 0\nspeed = "high"', listen="8000", scripts="maybe"
    )
    assert wrong == {
        f"{tmp_path}/dogwatch.toml:http_concurrency": "0 is not valid; "
        "give a whole number from 1 to 10000",
        f"{tmp_path}/dogwatch.toml:speed": f"unknown key; known are {', '.join(SETTINGS)}",
        "DOGWATCH_LISTEN": "'8000' is not valid; "
        "give HOST:PORT, such as 127.0.0.1:8000 or [::1]:8000",
        "DOGWATCH_SCRIPTS": "'maybe' is not valid; give one of auto, on, off",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("smtp_url", "smtp://ana:hunter2@mail.example.org"),
        ("database_url", "mysql://ana:hunter2@db/x"),
        ("secret_key", "hunter2"),
    ],
)
def test_a_secret_never_shows_in_an_error(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(Problem) as caught:
        configured(tmp_path, **{name: value})
    assert "hunter2" not in caught.value.message + str(caught.value.fields)
    assert "***" in caught.value.message


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        ("smtp_url", "smtp://127.0.0.1:2525", "the sender is missing: add ?from="),
        ("smtp_url", "smtp://u:hunter2@1@h?from=a@b.example", "write @ as %40"),
        ("smtp_url", "smtp://u:1/hunter2@h?from=a@b.example", "write @ as %40"),
        ("database_url", "postgresql://u:hunter2@1@h/db", "write @ as %40"),
        ("database_url", "postgresql://u:1/hunter2@h/db", "/ as %2F"),
    ],
)
def test_a_refusal_says_what_to_change(tmp_path: Path, name: str, value: str, advice: str) -> None:
    with pytest.raises(Problem) as caught:
        configured(tmp_path, **{name: value})
    assert advice in caught.value.message
    assert "hunter2" not in caught.value.message
    assert "has 1 wrong setting:" in caught.value.message


def test_a_password_is_masked_to_its_last_at() -> None:
    assert mask_url("postgresql://u:CANARY@1@h/db") == "postgresql://u:***@h/db"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://hc.example/ping/CANARY?key=CANARY#CANARY", "https://hc.example/***"),
        ("http://[::1]:8000/CANARY", "http://[::1]:8000/***"),
        ("https://user:CANARY@hc.example/", None),
        ("ftp://hc.example/CANARY", None),
    ],
)
def test_of_the_outside_heartbeat_only_the_host_is_shown(
    tmp_path: Path, address: str, shown: str | None
) -> None:
    if shown is None:
        with pytest.raises(Problem, match=r"OUTSIDE_HEARTBEAT_URL: \*\*\* is not valid") as refused:
            load({}, {"DOGWATCH_OUTSIDE_HEARTBEAT_URL": address})
        assert "CANARY" not in str(refused.value)
        assert "header" not in str(refused.value)  # a setting has none
    else:
        rows = describe(configured(tmp_path, outside_heartbeat_url=address))
        assert {row.value for row in rows if row.name == "outside_heartbeat_url"} == {shown}


def test_describe_masks_secrets_and_names_sources(tmp_path: Path) -> None:
    config = configured(
        tmp_path,
        smtp_url="smtp://ana:hunter2@mail.example.org:587?from=a@example.org",
        database_url="postgresql://ana:hunter2@db/x?password=hunter2",
        secret_key=SECRET_KEY,
    )
    rows = {row.name: row for row in describe(config)}
    assert rows["smtp_url"].value == "smtp://ana:***@mail.example.org:587?from=a@example.org"
    assert rows["database_url"].value == "postgresql+psycopg://ana:***@db/x?password=***"
    assert rows["secret_key"].value == "***"
    assert SECRET_KEY not in str(rows)
    assert rows["smtp_url"].source == "DOGWATCH_SMTP_URL"
    assert list(rows) == list(SETTINGS)


@pytest.mark.parametrize(
    ("text", "host", "port", "loopback"),
    [
        ("127.0.0.1:8000", "127.0.0.1", 8000, True),
        ("[::1]:8000", "::1", 8000, True),
        ("localhost:0", "localhost", 0, True),
        ("0.0.0.0:80", "0.0.0.0", 80, False),
        ("[::]:80", "::", 80, False),
        ("db1.example.org:80", "db1.example.org", 80, False),
    ],
)
def test_listen(tmp_path: Path, text: str, host: str, port: int, loopback: bool) -> None:
    config = configured(tmp_path, listen=text)
    assert config.listen == Listen(host, port)
    assert str(config.listen) == text
    assert config.listen.loopback is loopback
    assert config.scripts_on is loopback


@pytest.mark.parametrize("text", ["::1:80", "[127.0.0.1]:80", ":80", "a:65536", "a:٣", "a b:1"])
def test_listen_refuses(tmp_path: Path, text: str) -> None:
    assert list(refusal(tmp_path, listen=text)) == ["DOGWATCH_LISTEN"]


def test_the_base_url_follows_listen(tmp_path: Path) -> None:
    assert configured(tmp_path, listen="[::]:81").base_url == "http://[::1]:81"
    assert configured(tmp_path, base_url="https://w.example.org/").base_url == (
        "https://w.example.org"
    )


@pytest.mark.parametrize("word", ["on", "off"])
def test_scripts_can_be_forced(tmp_path: Path, word: str) -> None:
    assert configured(tmp_path, listen="0.0.0.0:80", scripts=word).scripts_on is (word == "on")


def test_networks_from_file_and_environment(tmp_path: Path) -> None:
    toml = 'trusted_proxies = ["10.0.0.0/8", "::1"]'
    config = configured(tmp_path, toml, allow_private_targets="127.0.0.0/8, 10.1.0.0/16")
    assert config.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1/128"))
    assert config.allow_private_targets == (ip_network("127.0.0.0/8"), ip_network("10.1.0.0/16"))


def test_private_targets_may_be_all_or_none(tmp_path: Path) -> None:
    rows = {row.name: row.value for row in describe(configured(tmp_path))}
    assert rows["allow_private_targets"] == "none"
    config = configured(tmp_path, "allow_private_targets = true")
    assert config.allow_private_targets == (ip_network("0.0.0.0/0"), ip_network("::/0"))
    assert configured(tmp_path, allow_private_targets="false").allow_private_targets == ()


def test_a_network_with_host_bits_is_refused(tmp_path: Path) -> None:
    assert list(refusal(tmp_path, trusted_proxies="10.0.0.1/8")) == ["DOGWATCH_TRUSTED_PROXIES"]
    told = refusal(tmp_path, trusted_user_header="Remote User:")
    assert list(told) == ["DOGWATCH_TRUSTED_USER_HEADER"]


def test_unknown_variables_warn_and_client_variables_do_not(tmp_path: Path) -> None:
    config = configured(tmp_path, lissten="x", key="k", server="s", ping_url="p")
    assert config.warnings == (
        "DOGWATCH_LISSTEN is not a setting of Dogwatch; see dogwatch config",
    )


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    missing = tmp_path / "none.toml"
    with pytest.raises(Problem) as caught:
        load({}, {"HOME": str(tmp_path)}, missing)
    assert caught.value.fields == {str(missing): "no such file"}


def test_a_named_file_may_move_the_data_but_the_found_one_may_not(tmp_path: Path) -> None:
    named = tmp_path / "my.toml"
    named.write_text('data = "/srv/dogwatch"')
    environ = {"HOME": str(tmp_path), "DOGWATCH_CONFIG": str(named)}
    assert load({}, environ).data == Path("/srv/dogwatch")
    assert list(refusal(tmp_path, 'data = "/srv"')) == [f"{tmp_path}/dogwatch.toml:data"]


def test_broken_toml_says_where(tmp_path: Path) -> None:
    wrong = refusal(tmp_path, "listen = \n")
    assert "line 1" in wrong[f"{tmp_path}/dogwatch.toml"]


def test_every_setting_has_a_distinct_flag_and_variable() -> None:
    assert len({setting.flag for setting in SETTINGS.values()}) == len(SETTINGS)
    assert SETTINGS["database_url"].flag == "--database"
    assert SETTINGS["database_url"].variable == "DOGWATCH_DATABASE_URL"
    assert all(setting.help for setting in SETTINGS.values())


# --- signing in by a provider -----------------------------------------------------------------


@pytest.mark.parametrize(
    "issuer",
    [
        "https://id.example",
        "https://id.example/realms/x/",
        "http://127.0.0.1:9",
        "http://[::1]:9/a",
    ],
)
def test_an_issuer_is_kept_letter_by_letter(tmp_path: Path, issuer: str) -> None:
    assert configured(tmp_path, oidc_issuer=issuer).oidc_issuer == issuer


@pytest.mark.parametrize(
    "issuer",
    [
        "http://id.example", "id.example", "https://", "https://id.example/?a=b", "ftp://id.example",
        "https://ana:x@id.example", "https://id.example/#x", "https://" + "x" * 250 + ".example",
    ],
)  # fmt: skip
def test_what_is_no_issuer(tmp_path: Path, issuer: str) -> None:
    assert list(refusal(tmp_path, oidc_issuer=issuer)) == ["DOGWATCH_OIDC_ISSUER"]


@pytest.mark.parametrize("given", ["none", "HS256", "RS256 HS256", "rs256", ","])
def test_algorithms_that_prove_nothing_cannot_be_pinned(tmp_path: Path, given: str) -> None:
    assert list(refusal(tmp_path, oidc_algorithms=given)) == ["DOGWATCH_OIDC_ALGORITHMS"]


def test_algorithms_and_domains_are_lists(tmp_path: Path) -> None:
    toml = 'oidc_algorithms = ["PS256"]\noidc_new_people = ["Example.org", "b.example"]'
    config = configured(tmp_path, toml)
    assert config.oidc_algorithms == ("PS256",)
    assert config.oidc_new_people == ("example.org", "b.example")
    assert configured(tmp_path, oidc_algorithms="ES256, RS256").oidc_algorithms[0] == "ES256"
    for wrong in ("*", "@example.org", "example"):
        assert list(refusal(tmp_path, oidc_new_people=wrong)) == ["DOGWATCH_OIDC_NEW_PEOPLE"]
    rows = {
        row.name: row.value for row in describe(configured(tmp_path, oidc_client_secret="hush"))
    }
    assert (rows["oidc_client_secret"], rows["oidc_algorithms"]) == ("***", "RS256, ES256")
