"""Settings of how messages are written and read."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from orchestrator.settings.fields import JsonFile


class ContractSettings(BaseSettings):
    """Schemas that messages are written by, and a registry that has them."""

    avro_schemas: JsonFile | None = Field(
        None,
        description="JSON file of further Avro schemas by which messages may be written that come, by message type, as"
        " `saga contracts export --format avro` prints it",
    )
    foreign: JsonFile | None = Field(
        None,
        description="JSON file that says which participants are sent envelopes of MassTransit or NServiceBus, and how"
        " message types are called there",
    )
    registry_user: str | None = Field(None, description="user for `saga contracts check --registry`")
    registry_password: SecretStr | None = Field(None, description="that user's password")
    registry_token: SecretStr | None = Field(None, description="bearer token, in place of user and password")
