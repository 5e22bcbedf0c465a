"""The shapes of CronBeats' integrations, and which settings of our channels they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool

from dogwatch.core.http_action import check_url
from dogwatch.core.masking import masked_url
from dogwatch.web.api.masks import MASK
from dogwatch.web.dialect.text import ONE_LINE

LONGEST_URL, LONGEST_SECRET = 2_048, 64


class Integration(BaseModel):
    """An integration; secrets of its `config` are shown as `***`, what is not set as null."""

    type: str
    is_enabled: bool
    is_configured: bool
    config: dict[str, str | None]


class AlertRules(BaseModel):
    """Of what the integrations tell."""

    alert_on_down: StrictBool = True
    alert_on_recovery: StrictBool = True


@dataclass(frozen=True, slots=True)
class Config:
    """The fields of a type by our names of settings; without any of `needed` it is cleared."""

    fields: Mapping[str, str]
    needed: tuple[str, ...]
    shown: frozenset[str] = frozenset()

    def plain(self, stored: Mapping[str, Any]) -> dict[str, str]:
        """Return what is stored, by the dialect's names."""
        found = {name: _first(stored.get(ours)) for name, ours in self.fields.items()}
        return {name: value for name, value in found.items() if value}

    def masked(self, stored: Mapping[str, Any]) -> dict[str, str | None]:
        """Return what is stored without what is secret."""
        plain = self.plain(stored)
        return {
            name: (masked_url(value) if name in self.shown else MASK) if value else None
            for name, value in ((name, plain.get(name)) for name in self.fields)
        }

    def lacks(self, config: Mapping[str, str]) -> list[str]:
        """Return what is needed and not there to send by."""
        return [name for name in self.needed if not config.get(name)]


CONFIGS: Mapping[str, Config] = {
    "slack": Config({"webhook_url": "url"}, ("webhook_url",)),
    "discord": Config({"webhook_url": "url"}, ("webhook_url",)),
    "telegram": Config(
        {"bot_token": "bot_token", "chat_id": "chat_id"}, ("bot_token", "chat_id"),
        frozenset({"chat_id"}),
    ),
    "webhook": Config({"url": "url", "secret": "secrets"}, ("url",), frozenset({"url"})),
}  # fmt: skip
_PUBLIC = frozenset({"chat_id"})


def settings_of(
    kind: str, config: Mapping[str, str]
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return the settings of our channel, those that may be shown and those that are sealed."""
    ours: dict[str, Any] = {
        own: config[name] for name, own in CONFIGS[kind].fields.items() if config.get(name)
    }
    if kind == "webhook":
        secrets = [ours["secrets"]] if "secrets" in ours else []
        return {"url": ours["url"], "format": "cronbeats"}, {"secrets": secrets}
    public = {name: value for name, value in ours.items() if name in _PUBLIC}
    return public, {name: value for name, value in ours.items() if name not in _PUBLIC}


def _first(value: Any) -> str | None:
    """Return a setting, of many the first."""
    one = value[0] if isinstance(value, list) and value else value
    return one if isinstance(one, str) else None


def _address(value: str) -> str:
    """Judge an address: HTTPS, or empty to clear it, or the mask of what is stored."""
    if value in ("", MASK):
        return value
    if fault := check_url(value):
        raise ValueError(fault)
    if not value.startswith("https://"):
        raise ValueError("must start with https://")
    return value


Address = Annotated[str, Field(strict=True, max_length=LONGEST_URL), AfterValidator(_address)]
Token = Annotated[str, Field(strict=True, max_length=200, pattern=r"^([\w:.-]*|\*\*\*)$")]
Chat = Annotated[str, Field(strict=True, max_length=64, pattern=r"^([\w@-]*|\*\*\*)$")]
Secret = Annotated[str, Field(strict=True, max_length=LONGEST_SECRET), ONE_LINE]


class _Sent(BaseModel):
    model_config = ConfigDict(extra="ignore")

    is_enabled: StrictBool = True

    def given(self) -> dict[str, Any]:
        """Return what was sent."""
        return self.model_dump(exclude_unset=True)


class WebhookUrlSent(_Sent):
    """What changes of Slack or Discord; an empty address clears it."""

    webhook_url: Address = ""


class TelegramSent(_Sent):
    """What changes of Telegram; an empty token clears it."""

    bot_token: Token = ""
    chat_id: Chat = ""


class WebhookSent(_Sent):
    """What changes of the webhook; an empty address clears it."""

    url: Address = ""
    secret: Secret = ""


SENT: Mapping[str, type[_Sent]] = {
    "slack": WebhookUrlSent,
    "discord": WebhookUrlSent,
    "telegram": TelegramSent,
    "webhook": WebhookSent,
}


class AlertRulesSent(BaseModel):
    """What changes of the alert rules."""

    model_config = ConfigDict(extra="ignore")

    alert_on_down: StrictBool = True
    alert_on_recovery: StrictBool = True


class Tested(BaseModel):
    """That a test message went out."""

    success: bool = True
    message: str
