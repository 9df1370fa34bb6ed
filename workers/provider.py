"""The OpenID provider that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.service.access import Role
from orchestrator.service.providing import Rules
from orchestrator.settings.provider import groups_by_role

if TYPE_CHECKING:
    from orchestrator.adapters.jwt.provider import OpenIdProvider
    from orchestrator.settings import Settings

CALLBACK = "/sign-in/callback"


def provider_of(settings: Settings) -> OpenIdProvider | None:
    """The provider, if one is named. It is asked for nothing before somebody signs in there."""
    if settings.oidc_issuer is None or settings.oidc_client_id is None or settings.console_url is None:
        return None
    from orchestrator.adapters.jwt.provider import Client, OpenIdProvider

    secret = settings.oidc_client_secret
    client = Client(
        issuer=settings.oidc_issuer,
        id=settings.oidc_client_id,
        secret=secret.get_secret_value() if secret else None,
        redirect=f"{settings.console_url.rstrip('/')}{CALLBACK}",
        scopes=settings.oidc_scopes,
        algorithms=tuple(settings.jwt_algorithms.split(",")),
    )
    roles = {Role(role): groups for role, groups in groups_by_role(settings.oidc_roles).items()}
    return OpenIdProvider(
        client, Rules(actor=settings.oidc_actor_claim, groups=settings.oidc_groups_claim, roles=roles)
    )
