"""Signing in by an OpenID Connect provider: the client's half of the authorization code flow."""

from dogwatch.oidc.client import Client
from dogwatch.oidc.flow import Flow
from dogwatch.oidc.provider import Provider
from dogwatch.oidc.token import Identity

__all__ = ["Client", "Flow", "Identity", "Provider"]
