"""Settings of the event store."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field
from pydantic_settings import BaseSettings

from orchestrator.settings.fields import Seconds


class EventSettings(BaseSettings):
    """What is kept of messages, and how long."""

    event_store: bool = Field(
        default=True,
        description="keep a copy of every message: `saga topology apply` makes the queue, `saga recorder` empties it",
    )
    event_stream: bool = Field(
        default=False,
        description="keep the same copies in the stream `saga.log` on the broker too: `saga topology apply` makes it",
    )
    event_stream_bytes: int = Field(
        10_737_418_240,
        ge=1_000_000,
        le=10**15,
        description="size beyond which its oldest part goes, bytes",
    )
    event_stream_days: int = Field(30, ge=1, le=3_650, description="how long messages stay in that stream, days")
    event_keep: Seconds = Field(timedelta(days=90), description="how long messages stay in the event store, seconds")
    event_body_bytes: int = Field(
        262_144, ge=0, le=16_777_216, description="of a message with a larger body the body is not kept, bytes"
    )
