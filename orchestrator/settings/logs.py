"""Settings of the log."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings


class LogSettings(BaseSettings):
    """What is logged, and how."""

    log_format: Literal["auto", "json", "text"] = Field(
        "auto", description="lines for people, or a JSON object a line; auto = JSON unless standard error is a terminal"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("warning", description="how much is logged")
