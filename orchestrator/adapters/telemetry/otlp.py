"""Spans to a collector, by OTLP over HTTP. The exporter is an extra: most installations write files, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from orchestrator.errors import SettingsError, WrongSetting
from orchestrator.settings.fields import is_loopback

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

TIMEOUT_S = 5
"""After so long a batch is given up, its repeats included. It is sent by a thread of its own: nobody waits."""


def otlp_exporter(url: str, *, allow_plaintext: bool) -> SpanExporter:
    """An exporter to a collector. What the collector does not take is dropped, and OpenTelemetry's log says so.

    Raises:
        SettingsError: the extra is not installed, or spans would leave this machine unencrypted.
    """
    parts = urlsplit(url)
    if parts.scheme == "http" and not (is_loopback(parts.hostname) or allow_plaintext):
        text = "spans would leave this machine unencrypted: use https://, or set SAGA_ALLOW_PLAINTEXT=1"
        raise SettingsError(WrongSetting("SAGA_TRACE_OTLP_URL", None, text))
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra
    except ImportError as error:
        text = "the exporter is not installed: pip install 'saga-orchestrator[otlp]'"
        raise SettingsError(WrongSetting("SAGA_TRACES", "otlp", text)) from error
    return OTLPSpanExporter(endpoint=url, timeout=TIMEOUT_S)
