"""Settings of the OpenID provider where people sign in."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from orchestrator.settings.fields import Allowed, is_loopback

ROLES = ("viewer", "operator", "admin")


def _reached_safely(value: str) -> str:
    parts = urlsplit(value)
    if not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("write https://host/path")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise ValueError("use https: whoever reads what goes there can act as others")
    return value


def _roles(value: str) -> str:
    groups_by_role(value)
    return value


def groups_by_role(text: str) -> dict[str, frozenset[str]]:
    """`operator=oncall|sre,admin=platform` as a mapping.

    Raises:
        ValueError: it is none.
    """
    found: dict[str, frozenset[str]] = {}
    for part in text.split(","):
        role, equals, groups = (one.strip() for one in part.partition("="))
        names = frozenset(name.strip() for name in groups.split("|"))
        if not equals or role not in ROLES or role in found or "" in names:
            raise ValueError(f"write role=group|group with commas between, each of {', '.join(ROLES)} once")
        found[role] = names
    return found


SafeUrl = Annotated[str, AfterValidator(_reached_safely), Allowed("https://, or http:// on this machine")]
GroupsByRole = Annotated[str, AfterValidator(_roles), Allowed("role=group\\|group, with commas between")]


class ProviderSettings(BaseSettings):
    """What the console knows of the provider; a part of `Settings`."""

    console_url: SafeUrl | None = Field(
        None, description="where people find the console, its path included: the provider sends them back there"
    )
    oidc_issuer: SafeUrl | None = Field(
        None, validate_default=True, description="OpenID provider where people sign in, as it calls itself"
    )
    oidc_client_id: str | None = Field(
        None, validate_default=True, min_length=1, max_length=300, description="how the provider knows the console"
    )
    oidc_client_secret: SecretStr | None = Field(
        None, description="what it knows it by; unless set, the provider must be content with PKCE"
    )
    oidc_scopes: str = Field("openid profile email groups", description="what is asked of the provider; with openid")
    oidc_actor_claim: str = Field("sub", min_length=1, description="claim whose value is journalled and audited")
    oidc_groups_claim: str = Field("groups", min_length=1, description="claim that names a person's groups")
    oidc_roles: GroupsByRole = Field(
        "viewer=viewer,operator=operator,admin=admin",
        description="the groups whose members have a role; the highest wins",
    )

    @field_validator("oidc_issuer")
    @classmethod
    def _can_send_back(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and "console_url" in info.data and info.data["console_url"] is None:
            raise ValueError("people must come back from there: set SAGA_CONSOLE_URL too")
        return value

    @field_validator("oidc_client_id")
    @classmethod
    def _is_known_with_its_provider(cls, value: str | None, info: ValidationInfo) -> str | None:
        if "oidc_issuer" in info.data and (value is None) != (info.data["oidc_issuer"] is None):
            is_missing = value is None
            raise ValueError(
                "SAGA_OIDC_ISSUER is set, so this must be too" if is_missing else "set SAGA_OIDC_ISSUER too"
            )
        return value
