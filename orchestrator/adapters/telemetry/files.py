"""Spans in files: a folder of OTLP JSON lines, which several processes write and which does not grow without end.

Each process writes files of its own, so that no line is torn and none waits for another. A file that is full is
followed by a fresh one, and the oldest of all go when they are too many.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from orchestrator.adapters.telemetry.otlp_json import line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan

log = logging.getLogger(__name__)
ENDING = ".jsonl"


def files_in(folder: Path) -> list[Path]:
    """The files of spans in a folder, the oldest first. One that is removed meanwhile is left out."""
    found: list[tuple[int, Path]] = []
    for file in folder.glob(f"*{ENDING}"):
        with suppress(FileNotFoundError):
            found.append((file.stat().st_mtime_ns, file))
    return [file for _, file in sorted(found)]


class SpanFiles(SpanExporter):
    """Writes spans into a folder.

    Args:
        folder: made if it is missing; only its owner may read what is in it.
        name: how this process's files begin.
        max_bytes: a file that has reached this is followed by a fresh one.
        keep: so many files of all processes are kept.
    """

    def __init__(self, folder: Path, name: str, *, max_bytes: int, keep: int) -> None:
        self._folder = folder
        self._name = name
        self._max_bytes = max_bytes
        self._keep = keep
        self._lock = threading.Lock()
        self._file = -1
        self._is_told = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Append them; they are the system's when this returns, and survive the end of this process."""
        written = line(spans)
        with self._lock:
            try:
                self._append(written)
            except OSError as error:
                if not self._is_told:
                    log.warning("spans cannot be written to %s and are dropped: %s", self._folder, error)
                self._is_told = True
                return SpanExportResult.FAILURE
            self._is_told = False
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Close the file."""
        with self._lock:
            self._close()

    def _append(self, written: bytes) -> None:
        if self._file >= 0:
            stat = os.fstat(self._file)
            # Of no links: another process has removed it, and what went there would be lost.
            if stat.st_nlink == 0 or stat.st_size >= self._max_bytes:
                self._close()
        if self._file < 0:
            self._open()
        while written:
            written = written[os.write(self._file, written) :]

    def _open(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self._folder / f"{self._name}-{os.getpid()}-{secrets.token_hex(4)}{ENDING}"
        self._file = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for old in files_in(self._folder)[: -self._keep]:
            old.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
