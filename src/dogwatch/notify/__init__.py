"""The ways to tell people. A new channel is one file here and one line in `CHANNELS`."""

from collections.abc import Mapping

from dogwatch.notify.apprise import AppriseChannel
from dogwatch.notify.channel import Channel
from dogwatch.notify.discord import DiscordChannel
from dogwatch.notify.email import EmailChannel
from dogwatch.notify.matrix import MatrixChannel
from dogwatch.notify.mattermost import MattermostChannel
from dogwatch.notify.ntfy import NtfyChannel
from dogwatch.notify.opsgenie import OpsgenieChannel
from dogwatch.notify.pagerduty import PagerDutyChannel
from dogwatch.notify.pushover import PushoverChannel
from dogwatch.notify.slack import SlackChannel
from dogwatch.notify.teams import TeamsChannel
from dogwatch.notify.telegram import TelegramChannel
from dogwatch.notify.twilio import TwilioChannel
from dogwatch.notify.webhook import WebhookChannel

_ALL: tuple[Channel, ...] = (
    WebhookChannel(),
    EmailChannel(),
    SlackChannel(),
    DiscordChannel(),
    TelegramChannel(),
    TeamsChannel(),
    NtfyChannel(),
    PushoverChannel(),
    PagerDutyChannel(),
    OpsgenieChannel(),
    MatrixChannel(),
    MattermostChannel(),
    TwilioChannel(),
    AppriseChannel(),
)
CHANNELS: Mapping[str, Channel] = {channel.kind: channel for channel in _ALL}
