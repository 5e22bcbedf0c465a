"""Good settings of every kind of channel."""

from collections.abc import Mapping
from typing import Any

GOOD: Mapping[str, Mapping[str, Any]] = {
    "webhook": {"url": "https://hooks.example/in"},
    "email": {"to": ["ana@example.org"]},
    "slack": {"url": "https://hooks.slack.com/services/T0/B0/s3cretslack"},
    "discord": {"url": "https://discord.com/api/webhooks/1/s3cretdiscord"},
    "telegram": {
        "bot_token": "123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11",
        "chat_id": "-1001234567890",
    },
    "teams": {"url": "https://prod-1.westeurope.logic.azure.com/workflows/x?sig=s3cretteams"},
    "ntfy": {"topic": "alerts-7f3k2p"},
    "pushover": {
        "token": "azGDORePK8gMaC0QOYAMyEEuzJnyUi",
        "user": "uQiRzpo4DXghDmr9QzzfQu27cmVRsG",
    },
    "pagerduty": {"routing_key": "e93facc04764012d7bfb002500d5d1a6"},
    "opsgenie": {"api_key": "eb243592-faa2-4ba2-a551-1afdf565c889"},
    "matrix": {
        "server_url": "https://matrix.example.org",
        "room": "!room:example.org",
        "access_token": "syt_s3cretmatrix",
    },
    "mattermost": {"url": "https://chat.example.org/hooks/s3cretmattermost"},
    "sms": {
        "account_sid": "AC" + "0" * 32,
        "auth_token": "1" * 32,
        "from": "+15005550006",
        "to": "+48123456789",
    },
    "apprise": {"url": "gotifys://gotify.example.org/s3cretapprise"},
}
