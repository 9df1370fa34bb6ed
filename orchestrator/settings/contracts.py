"""Settings of how messages are written and read."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings

from orchestrator.settings.fields import JsonFile


class ContractSettings(BaseSettings):
    """Schemas that messages are written by."""

    avro_schemas: JsonFile | None = Field(
        None,
        description="JSON file of further Avro schemas by which messages may be written that come, by message type, as"
        " `saga contracts export --format avro` prints it",
    )
