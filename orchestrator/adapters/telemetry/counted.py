"""An exporter of spans whose losses are counted: nobody waits for spans, so somebody must hear of what is lost."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan


class CountedExporter(SpanExporter):
    """Another exporter, counted.

    Attributes:
        taken: spans that it was given, kept or not.
        dropped: those of them that it did not keep, and those that it was never given.
    """

    def __init__(self, exporter: SpanExporter) -> None:
        self.taken = 0
        self.dropped = 0
        self._exporter = exporter
        self._lock = threading.Lock()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Hand them on."""
        result = SpanExportResult.FAILURE
        try:
            result = self._exporter.export(spans)
        finally:
            with self._lock:
                self.taken += len(spans)
                self.dropped += 0 if result is SpanExportResult.SUCCESS else len(spans)
        return result

    def drop(self) -> None:
        """A span that it is not given."""
        with self._lock:
            self.dropped += 1

    def shutdown(self) -> None:
        """End."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Have written what is left."""
        return self._exporter.force_flush(timeout_millis)
