# ruff: noqa: RUF009  (`_set` only builds a dataclass field)
"""Every setting, defined once: type, default, flag, environment variable, TOML key, help.

A setting `ping_body_limit_bytes` is the flag `--ping-body-limit-bytes`, the variable
`DOGWATCH_PING_BODY_LIMIT_BYTES` and the TOML key of its own name. Flags win over the
environment, the environment over the file, the file over the default.
"""

import base64
import re
import tomllib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import Field, dataclass, field, fields
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from dogwatch import __version__
from dogwatch.core.dialects import DIALECTS
from dogwatch.core.http_action import check_url
from dogwatch.core.masking import mask_address, mask_url
from dogwatch.core.plain import counted
from dogwatch.core.probe.quorum import LOCATION as PLACE
from dogwatch.core.problems import Problem

Network = IPv4Network | IPv6Network
CLIENT_VARIABLES = frozenset({"DOGWATCH_KEY", "DOGWATCH_SERVER", "DOGWATCH_PING_URL"})
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
EVERYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))
_URL_SAFE = str.maketrans("-_", "+/")
# With the public key alone nobody can sign by these; none and HS… are not among them (RFC 8725).
_ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519",
)  # fmt: skip
_DOMAIN = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


@dataclass(frozen=True, slots=True)
class Listen:
    """An address and port to listen on; `host` is bare, so IPv6 has no brackets."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Say whether only this machine can reach it."""
        with suppress(ValueError):
            return ip_address(self.host).is_loopback
        return self.host == "localhost"

    @property
    def url(self) -> str:
        """Return the http:// address that reaches it from this machine."""
        reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104  (compared, not listened on)
        return f"http://{Listen(reachable, self.port)}"


class AdvisedError(ValueError):
    """A refusal that says what to change and repeats nothing of the value."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How a value is read (`parse` raises ValueError), what is valid, and how it is shown."""

    valid: str
    parse: Callable[[Any], Any]
    show: Callable[[Any], str] = str
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting; `default` is a value or a function of the settings before it."""

    name: str
    kind: Kind
    default: Any
    help: str

    @property
    def flag(self) -> str:
        """Return the command-line flag."""
        return "--database" if self.name == "database_url" else "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """Return the environment variable."""
        return f"DOGWATCH_{self.name.upper()}"


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("not text")
    return value.strip()


def _words(value: Any) -> tuple[str, ...]:
    words = value.replace(",", " ").split() if isinstance(value, str) else list(value)
    return tuple(_text(word) for word in words)


def _path(value: Any) -> Path:
    return Path(_text(str(value))).expanduser().absolute()


def _whole(least: int, most: int) -> Kind:
    def parse(value: Any) -> int:
        if isinstance(value, (bool, float)) or not least <= (number := int(value)) <= most:
            raise ValueError("out of range")
        return number

    return Kind(f"a whole number from {least} to {most}", parse)


def _matching(pattern: str, valid: str) -> Kind:
    def parse(value: Any) -> str:
        if not re.fullmatch(pattern, text := _text(value)):
            raise ValueError("of another form")
        return text

    return Kind(valid, parse)


def _yes_no(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    known = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    if (lower := _text(value).lower()) not in known:
        raise ValueError("neither yes nor no")
    return known[lower]


def _issuer(value: Any) -> str:
    """Read an issuer as it is written: it is compared letter by letter."""
    url = urlsplit(issuer := _text(value))
    bare = not (url.query or url.fragment or "@" in url.netloc) and issuer.isascii()
    if not bare or not url.hostname or len(issuer) > 255 or not issuer.isprintable():
        raise ValueError("no issuer")
    if url.scheme != "https" and not (url.scheme == "http" and Listen(url.hostname, 0).loopback):
        raise ValueError("not safe")
    return issuer


def _algorithms(value: Any) -> tuple[str, ...]:
    words = _words(value)
    if not words or not set(words) <= set(_ALGORITHMS):
        raise ValueError("unknown algorithm")
    return tuple(dict.fromkeys(words))


def _domains(value: Any) -> tuple[str, ...]:
    words = _words(value)
    if not all(map(_DOMAIN.fullmatch, words)):
        raise ValueError("no domain")
    return tuple(word.lower() for word in words)


def _one_of(*words: str) -> Kind:
    def parse(value: Any) -> str:
        if (word := _text(value).lower()) not in words:
            raise ValueError("unknown word")
        return word

    return Kind("one of " + ", ".join(words), parse)


def _listen(value: Any) -> Listen:
    host, colon, port = _text(value).rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    bracketed = bare is not host
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ValueError("no port")
    if bracketed != (":" in bare) or not re.fullmatch(r"[0-9A-Za-z.:_%-]+", bare):
        raise ValueError("no host")
    return Listen(bare, int(port))


def _networks(value: Any) -> tuple[Network, ...]:
    return tuple(ip_network(word) for word in _words(value))


def _networks_or_all(value: Any) -> tuple[Network, ...]:
    word = value.strip().lower() if isinstance(value, str) else value
    if word is True or word in ("true", "yes", "1"):
        return EVERYWHERE
    return () if word is False or word in ("false", "no", "0") else _networks(value)


def _dialect_hosts(value: Any) -> Mapping[str, str]:
    """Read "cronbeats=beats.example.com, cronowl=owl.example.com", or the table of a TOML file."""
    given = isinstance(value, str)
    pairs = (word.split("=", 1) for word in _words(value)) if given else value.items()
    hosts = {str(name).strip().lower(): _text(host).lower() for name, host in pairs}
    if not hosts.keys() <= DIALECTS.keys() or not all(map(_HOST.fullmatch, hosts.values())):
        raise ValueError("no dialect or no host")
    if len(set(hosts.values())) < len(hosts):
        raise AdvisedError("each dialect needs a host name of its own")
    return hosts


def _base_url(value: Any) -> str:
    url = urlsplit(_text(value))
    if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment:
        raise ValueError("not a base")
    return url.geturl().rstrip("/")


def _address(value: Any) -> str:
    if wrong := check_url(address := _text(value)):
        raise AdvisedError(f"it {wrong}")
    return address


def _database_url(value: Any) -> str:
    url = urlsplit(_text(value))
    if url.scheme == "sqlite" and url.path.startswith("/") and len(url.path) > 1:
        return str(value).strip()
    _refuse_raw_at(url)
    if url.scheme in ("postgres", "postgresql", "postgresql+psycopg") and url.path.strip("/"):
        return "postgresql+psycopg" + str(value).strip().removeprefix(url.scheme)
    raise ValueError("not a database")


def _refuse_raw_at(url: SplitResult) -> None:
    """Refuse a password that ends where it should not: nobody could tell it from the host."""
    if url.netloc.count("@") > 1 or "@" in url.path:
        raise AdvisedError(
            "in user and password write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23"
        )


def _smtp_url(value: Any) -> str:
    url = urlsplit(_text(value))
    _refuse_raw_at(url)
    if url.scheme not in ("smtp", "smtps") or not url.hostname or url.path.strip("/"):
        raise ValueError("not a mail server")
    _ = url.port  # raises ValueError when it is no port
    if "@" not in parse_qs(url.query).get("from", [""])[0]:
        raise AdvisedError("the sender is missing: add ?from=watch@example.org at its end")
    return str(value).strip()


def _secret(value: Any) -> str:
    text = _text(value)
    if len(base64.b64decode(text.translate(_URL_SAFE), validate=True)) != 32:
        raise ValueError("not 32 bytes")
    return text


def _show_networks(value: tuple[Network, ...]) -> str:
    return "all" if value == EVERYWHERE else ", ".join(map(str, value)) or "none"


def _show_words(value: tuple[str | Path, ...]) -> str:
    return ", ".join(map(str, value)) or "none"


PATH = Kind("a directory", _path)
HOSTS = Kind(
    f"NAME=HOST,… with names among {', '.join(DIALECTS)}",
    _dialect_hosts,
    lambda value: ", ".join(f"{name}={host}" for name, host in value.items()) or "none",
)
LISTEN = Kind("HOST:PORT, such as 127.0.0.1:8000 or [::1]:8000", _listen)
BASE_URL = Kind("an address such as https://watch.example.org, without ? or #", _base_url)
DATABASE = Kind(
    "sqlite:////path/to/file or postgresql://user:password@host/name", _database_url, mask_url, True
)
SMTP = Kind(
    "smtp://user:password@host:587?from=watch@example.org (smtps:// for TLS from the start)",
    _smtp_url,
    mask_url,
    True,
)
ADDRESS = Kind("an http:// or https:// address", _address, mask_address, True)
SECRET = Kind(
    "32 random bytes in base64, as `openssl rand -base64 32` prints", _secret, lambda _: "***", True
)
NETWORKS = Kind("addresses or CIDR ranges, such as 10.0.0.0/8, ::1", _networks, _show_networks)
TARGETS = Kind("CIDR ranges such as 10.0.0.0/8, or true", _networks_or_all, _show_networks)
HEADER = _matching("[A-Za-z][A-Za-z0-9-]{0,63}", "a header's name, such as Remote-User")
ISSUER = Kind("the issuer's https:// address, exactly as the provider writes it", _issuer)
ALGORITHMS = Kind(f"some of {', '.join(_ALGORITHMS)}", _algorithms, ", ".join)
DOMAINS = Kind(
    "domains, such as example.org", _domains, lambda domains: ", ".join(domains) or "none"
)
WORD = Kind("text", _text)
HIDDEN = Kind("text", _text, lambda _: "***", True)
FILE = Kind("a file", _path)
PROGRAM = Kind("a program's name or path, or off", _text)
PROGRAMS = Kind("names or paths of programs, with commas", _words, _show_words)
PATHS = Kind("paths, with commas", lambda value: tuple(map(Path, _words(value))), _show_words)
SANDBOX = _one_of("auto", "off", "trusted", "bubblewrap")
YES_NO = Kind("yes or no", _yes_no, lambda value: "yes" if value else "no")
LOCATION = _matching(PLACE, "a name of a-z, 0-9 and -, at most 32 characters")
USER_AGENT = _matching("[ -~]{1,200}", "printable characters, at most 200")
BODY = _whole(0, 10_000_000)
LANE = _whole(1, 10_000)
DAYS = _whole(1, 36_500)
COUNT = _whole(1, 1_000_000_000)


def data_dir(flag: str | None, environ: Mapping[str, str]) -> Path:
    """Return the data directory without reading any file, for clients."""
    home = Path(environ.get("HOME") or Path.home())
    share = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    chosen = flag or environ.get("DOGWATCH_DATA") or share / "dogwatch"
    return Path(chosen).expanduser().absolute()


def _set(kind: Kind, default: Any, help_text: str) -> Any:
    return field(metadata={"kind": kind, "default": default, "help": help_text})


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The settings of one server; `sources` says where each came from."""

    data: Path = _set(PATH, None, "Directory for everything Dogwatch keeps")
    listen: Listen = _set(LISTEN, Listen("127.0.0.1", 8000), "Address and port to listen on")
    database_url: str = _set(
        DATABASE, lambda had: f"sqlite:///{had['data']}/dogwatch.db", "Database; SQLite by default"
    )
    base_url: str = _set(BASE_URL, lambda had: had["listen"].url, "Address that people's links use")
    smtp_url: str | None = _set(SMTP, None, "Mail server for e-mail channels")
    outside_heartbeat_url: str | None = _set(
        ADDRESS, None, "Address asked every minute while Dogwatch itself is well"
    )
    apprise: str = _set(
        _one_of("on", "off"), "off", "Apprise channels, which open connections of their own"
    )
    trusted_proxies: tuple[Network, ...] = _set(
        NETWORKS, (), "Proxies whose X-Forwarded-For is believed"
    )
    trusted_user_header: str | None = _set(
        HEADER, None, "Header by which those proxies name who is signed in, by e-mail"
    )
    oidc_issuer: str | None = _set(
        ISSUER, None, "OpenID Connect provider that people may sign in by"
    )
    oidc_client_id: str | None = _set(WORD, None, "What that provider knows this instance as")
    oidc_client_secret: str | None = _set(HIDDEN, None, "Client secret at that provider")
    oidc_client_secret_file: Path | None = _set(FILE, None, "File that holds that client secret")
    oidc_algorithms: tuple[str, ...] = _set(
        ALGORITHMS, ("RS256", "ES256"), "Algorithms that its tokens may be signed by"
    )
    oidc_new_people: tuple[str, ...] = _set(
        DOMAINS, (), "E-mail domains whose people get an account as they first sign in by it"
    )
    dialect_hosts: Mapping[str, str] = _set(
        HOSTS, {}, "Host names at which a dialect answers at the root, as NAME=HOST,…"
    )
    allow_private_targets: tuple[Network, ...] = _set(
        TARGETS, (), "Private addresses that jobs and webhooks may reach"
    )
    secret_key: str | None = _set(
        SECRET, None, "Key that seals stored secrets; DATA/secret.key when unset"
    )
    scripts: str = _set(
        _one_of("auto", "on", "off"), "auto", "Run scripts; auto: only when listening on loopback"
    )
    sandbox: str = _set(SANDBOX, "auto", "How scripts are kept apart; auto: bubblewrap if it works")
    sandbox_uid: int = _set(COUNT, 65_533, "User of sandboxes where the server runs as root")
    sandbox_paths: tuple[Path, ...] = _set(PATHS, (), "What sandboxed scripts may read, too")
    ping_body_limit_bytes: int = _set(BODY, 10_000, "Bytes of a ping's body that are kept")
    spool_limit_mb: int = _set(
        COUNT, 1_000, "Megabytes of pings kept on disk while PostgreSQL is away"
    )
    location: str = _set(
        LOCATION, "here", "Where this node probes from; a worker elsewhere does nothing else"
    )
    hosted: bool = _set(
        YES_NO, False, "Strangers use this instance: nobody is told how its network looks"
    )
    user_agent: str = _set(
        USER_AGENT, f"Dogwatch/{__version__}", "User agent of requests that name none"
    )
    probe_concurrency: int = _set(LANE, 2_000, "Probes at once")
    http_concurrency: int = _set(LANE, 50, "HTTP jobs at once")
    script_concurrency: int = _set(LANE, 4, "Script jobs at once")
    delivery_concurrency: int = _set(LANE, 200, "Alert deliveries at once")
    ping_retention_days: int = _set(DAYS, 90, "Days that pings are kept")
    run_retention_days: int = _set(DAYS, 180, "Days that runs are kept")
    output_retention_days: int = _set(DAYS, 30, "Days that a run's output is kept")
    flip_retention_days: int = _set(DAYS, 730, "Days that status changes are kept")
    ping_retention_count: int = _set(COUNT, 1_000_000, "Pings kept per workspace")
    run_retention_count: int = _set(COUNT, 1_000_000, "Runs kept per workspace")
    bash: str = _set(PROGRAM, "bash", "Interpreter of Bash jobs")
    python: str = _set(PROGRAM, "python3", "Interpreter of Python jobs")
    node: str = _set(PROGRAM, "node", "Interpreter of Node jobs")
    interpreters: tuple[str, ...] = _set(
        PROGRAMS, (), "Programs that a job may name as its interpreter besides those three"
    )
    log_level: str = _set(
        _one_of("debug", "info", "warning", "error"), "info", "Least level that is logged"
    )
    log_format: str = _set(_one_of("text", "json"), "text", "Form of the log lines")
    sources: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def scripts_on(self) -> bool:
        """Say whether script jobs run: asked for, or safe because only this machine listens."""
        asked = self.scripts == "on" or (self.scripts == "auto" and self.listen.loopback)
        return asked and self.sandbox != "off"


def _setting(declared: Field[Any]) -> Setting:
    meta = declared.metadata
    return Setting(declared.name, meta["kind"], meta["default"], meta["help"])


SETTINGS: Mapping[str, Setting] = {
    declared.name: _setting(declared) for declared in fields(Config) if declared.metadata
}
VARIABLES = frozenset(setting.variable for setting in SETTINGS.values()) | {"DOGWATCH_CONFIG"}


@dataclass(frozen=True, slots=True)
class _Given:
    """One value as found, and the name of the place it was found in."""

    source: str
    value: Any


def load(flags: Mapping[str, Any], environ: Mapping[str, str], file: Path | None = None) -> Config:
    """Return the settings, or raise one Problem whose fields name every wrong value's source.

    `flags` maps field names to values, None where not given. `file` is the TOML file of
    `--config`; without it DOGWATCH_CONFIG, then DATA/dogwatch.toml where it exists.
    """
    wrong: dict[str, str] = {}
    chosen = file or (Path(named) if (named := environ.get("DOGWATCH_CONFIG")) else None)
    path = chosen or data_dir(flags.get("data"), environ) / "dogwatch.toml"
    table = _read(path, chosen is not None, wrong)
    if chosen is None and "data" in table:
        wrong[f"{path}:data"] = "cannot move the directory that this file was found in"
    values, sources = _resolve(_gather(flags, environ, table, path), environ, wrong)
    if wrong:
        told = "\n".join(f"  {source}: {message}" for source, message in wrong.items())
        count = counted(len(wrong), "wrong setting")
        raise Problem("invalid", f"the configuration has {count}:\n{told}", wrong)
    return Config(**values, sources=sources, warnings=_strangers(environ))


def _read(path: Path, required: bool, wrong: dict[str, str]) -> dict[str, Any]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if required:
            wrong[str(path)] = "no such file"
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        wrong[str(path)] = f"cannot be read: {getattr(error, 'strerror', None) or error}"
        return {}
    for key in table.keys() - SETTINGS.keys():
        wrong[f"{path}:{key}"] = f"unknown key; known are {', '.join(SETTINGS)}"
    return table


def _gather(
    flags: Mapping[str, Any], environ: Mapping[str, str], table: Mapping[str, Any], path: Path
) -> dict[str, _Given]:
    found = {}
    for name, setting in SETTINGS.items():
        if flags.get(name) is not None:
            found[name] = _Given(setting.flag, flags[name])
        elif environ.get(setting.variable):
            found[name] = _Given(setting.variable, environ[setting.variable])
        elif name in table:
            found[name] = _Given(f"{path}:{name}", table[name])
    return found


def _resolve(
    found: Mapping[str, _Given], environ: Mapping[str, str], wrong: dict[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    values: dict[str, Any] = {}
    for name, setting in SETTINGS.items():
        values[name] = data_dir(None, environ) if name == "data" else _default(setting, values)
        if name in found:
            try:
                values[name] = setting.kind.parse(found[name].value)
            except (ValueError, TypeError, AttributeError) as error:
                wrong[found[name].source] = _refusal(setting.kind, found[name].value, error)
    return values, {name: found[name].source if name in found else "default" for name in SETTINGS}


def _default(setting: Setting, values: Mapping[str, Any]) -> Any:
    return setting.default(values) if callable(setting.default) else setting.default


def _refusal(kind: Kind, value: Any, error: Exception) -> str:
    shown = "***" if kind.secret else repr(value)
    if isinstance(error, AdvisedError):
        return f"{shown} is not valid; {error}"
    return f"{shown} is not valid; give {kind.valid}"


def _strangers(environ: Mapping[str, str]) -> tuple[str, ...]:
    names = sorted(environ.keys() - VARIABLES - CLIENT_VARIABLES)
    told = "is not a setting of Dogwatch; see dogwatch config"
    return tuple(f"{name} {told}" for name in names if name.startswith("DOGWATCH_"))


@dataclass(frozen=True, slots=True)
class Row:
    """One line of `dogwatch config`: a setting, its value with secrets masked, its source."""

    name: str
    value: str
    source: str


def describe(config: Config) -> tuple[Row, ...]:
    """Return every setting for people, secrets masked."""
    return tuple(
        Row(name, _shown(setting.kind, getattr(config, name)), config.sources.get(name, "default"))
        for name, setting in SETTINGS.items()
    )


def _shown(kind: Kind, value: Any) -> str:
    return "none" if value is None else kind.show(value)
