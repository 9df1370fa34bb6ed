"""Settings of traces."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from orchestrator.settings.fields import Folder, HttpUrl, Share, TraceLink
from orchestrator.settings.logs import LogSettings

TRACE_FOLDER = ".local/traces"
"""Where spans are unless their folder is set, below the project's folder."""


class TraceSettings(LogSettings):
    """What becomes of spans, and of the log."""

    traces: Literal["off", "file", "console", "otlp"] = Field(
        "off",
        description="where spans go: nowhere, as OTLP JSON lines into a folder, to standard output, or to a collector"
        " by OTLP over HTTP, which needs the extra `otlp`",
    )
    trace_otlp_url: HttpUrl = Field(
        SecretStr("http://127.0.0.1:4318/v1/traces"), description="where the collector takes spans"
    )
    trace_folder: Folder = Field(Path(TRACE_FOLDER), description="the folder for spans")
    trace_file_bytes: int = Field(
        10_000_000, ge=10_000, le=1_000_000_000, description="a file of spans of this size is followed by a fresh one"
    )
    trace_files: int = Field(30, ge=2, le=10_000, description="so many files of spans are kept, the newest")
    trace_ratio: Share = Field(1.0, description="share of all executions whose spans are kept")
    trace_environment: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="`deployment.environment.name` of spans; keeps apart what uses the same ids",
    )
    trace_link: TraceLink | None = Field(None, description="where a trace is to be seen, as in Jaeger or Tempo")
