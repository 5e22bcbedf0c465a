"""The ways to tell people. A new channel is one file here and one line in `CHANNELS`."""

from collections.abc import Mapping

from dogwatch.notify.channel import Channel
from dogwatch.notify.email import EmailChannel
from dogwatch.notify.webhook import WebhookChannel

_ALL: tuple[Channel, ...] = (
    WebhookChannel(),
    EmailChannel(),
)
CHANNELS: Mapping[str, Channel] = {channel.kind: channel for channel in _ALL}
