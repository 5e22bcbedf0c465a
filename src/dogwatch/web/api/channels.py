"""/channels: the places to tell."""

from typing import Any

from fastapi import Response

from dogwatch.core.problems import invalid
from dogwatch.notify.fields import Settings
from dogwatch.usecases import channels, telling
from dogwatch.usecases.channels import ChannelRow
from dogwatch.usecases.door import Tx
from dogwatch.vault import Vault
from dogwatch.web.api.asked import ChannelChange, ChannelNew, Nothing
from dogwatch.web.api.auth import needs, resource
from dogwatch.web.api.call import Call, Called, Id, shown
from dogwatch.web.api.masks import masked_settings
from dogwatch.web.api.pages import Paged
from dogwatch.web.api.settings import changed, checked
from dogwatch.web.api.wire import ChannelMade, ChannelOut, DeliveryOut, PageOf
from dogwatch.web.reach import hosts_of_channel
from dogwatch.web.services import Services

router = resource("channels")


def _shown(vault: Vault, channel: ChannelRow) -> ChannelOut:
    return ChannelOut.of(channel, _masked(vault, channel))


def _masked(vault: Vault, channel: ChannelRow) -> dict[str, Any]:
    return masked_settings(channels.unsealed(vault, channel), channel.settings)


def _with_secrets(vault: Vault, channel: ChannelRow, settings: Settings) -> ChannelMade:
    """Return the shape of a channel that has new secrets: the one time they are shown."""
    secrets = settings.secret.get("secrets")
    made = ChannelMade.of(channel, _masked(vault, channel))
    return made.model_copy(update={"secrets": secrets})


def refuse_kind(services: Services, kind: str) -> None:
    """Raise a Problem for a kind of channel that this instance cannot send by."""
    if kind == "email" and not services.mail_on:
        raise invalid("kind", "no mail server is set (DOGWATCH_SMTP_URL)")
    if kind == "apprise" and not services.apprise_on:
        raise invalid("kind", "the admin of this instance does not allow it (DOGWATCH_APPRISE)")


@router.get("", response_model=PageOf[ChannelOut], **needs("channels.list"))
async def list_channels(call: Called, page: Paged) -> Response:
    """List channels, oldest first."""
    found = await call.read(
        lambda tx: channels.channel_page(tx, call.workspace_id, page.size, page.after)
    )
    vault = call.services.vault
    return page.answer(found, lambda one: _shown(vault, one), lambda one: one.id)


@router.post("", response_model=ChannelMade, status_code=201, **needs("channels.make"))
async def make_channel(call: Called, body: ChannelNew) -> Response:
    """Make a channel; its signing secrets are shown in this answer only."""
    settings, vault = checked(body.kind, body.settings), call.services.vault
    refuse_kind(call.services, body.kind)

    await call.refuse_blocked(hosts_of_channel(body.kind, settings.public | settings.secret))

    def made(tx: Tx) -> ChannelMade:
        channel = channels.add_channel(
            tx, call.workspace_id, body.name, body.kind, settings.public, settings.secret,
            vault, call.at, body.group_window_s,
        )  # fmt: skip
        return _with_secrets(vault, channel, settings)

    return await call.post(201, made, "channels")


@router.get("/{name}", response_model=ChannelOut, **needs("channels.show"))
async def show_channel(call: Called, name: Id) -> Response:
    """Show a channel."""
    found = await call.read(lambda tx: channels.channel_by_id(tx, call.workspace_id, name))
    return shown(_shown(call.services.vault, found))


@router.patch("/{name}", response_model=ChannelMade, **needs("channels.change"))
async def change_channel(call: Called, name: Id, body: ChannelChange) -> Response:
    """Change a channel; settings that are not sent stay, `***` keeps a secret, null drops it."""
    if "settings" in body.model_fields_set:
        found = await call.read(lambda tx: channels.channel_by_id(tx, call.workspace_id, name))
        await call.refuse_blocked(hosts_of_channel(found.kind, body.settings))
    return shown(await call.write(lambda tx: _changed(tx, call, name, body)))


def _changed(tx: Tx, call: Call, channel_id: str, body: ChannelChange) -> ChannelOut:
    vault, sent = call.services.vault, body.model_fields_set
    channel = channels.channel_by_id(tx, call.workspace_id, channel_id)
    settings, fresh = changed(vault, channel, body.settings)
    channel = channels.change_channel(
        tx,
        channel,
        vault,
        name=body.name if "name" in sent else None,
        public=settings.public if "settings" in sent else None,
        secret=settings.secret if "settings" in sent else None,
        enabled=body.enabled if "enabled" in sent else None,
    )
    if "group_window_s" in sent:
        channel = channels.regroup(tx, channel, body.group_window_s)
    return _with_secrets(vault, channel, settings) if fresh else _shown(vault, channel)


@router.delete("/{name}", status_code=204, **needs("channels.delete"))
async def remove_channel(call: Called, name: Id) -> Response:
    """Delete a channel with its rules and deliveries."""
    await call.write(lambda tx: channels.remove_channel(tx, call.workspace_id, name))
    return Response(status_code=204)


@router.post("/{name}/test", response_model=DeliveryOut, status_code=202, **needs("channels.test"))
async def try_channel(call: Called, name: Id, _: Nothing | None = None) -> Response:
    """Send a real test message; `GET /deliveries/{id}?wait_s=20` has the service's answer."""

    def queued(tx: Tx) -> DeliveryOut:
        return DeliveryOut.of(telling.test_channel(tx, call.workspace_id, name, call.at))

    return await call.post(202, queued)
