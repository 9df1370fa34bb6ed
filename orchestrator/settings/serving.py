"""Settings of how a console serves those who ask."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from orchestrator.settings.fields import Seconds


class ServingSettings(BaseSettings):
    """How long people stay signed in, and how much one caller may ask for."""

    session_lasts: Seconds = Field(
        timedelta(hours=12), description="after so long whoever signed in must do so again, seconds"
    )
    session_idle: Seconds = Field(
        timedelta(hours=1), description="and after so long without asking for anything; at least a minute, seconds"
    )
    console_requests: int = Field(
        3_000, ge=0, le=1_000_000, description="requests of one caller in a minute; 0 = as many as they like"
    )
    console_streams: int = Field(10, ge=1, le=1_000, description="event streams that one caller may hold open")
    cursor_key: SecretStr | None = Field(
        None,
        min_length=32,
        description="secret that signs cursors, the same for all consoles; unless set, each makes one when it starts",
    )
