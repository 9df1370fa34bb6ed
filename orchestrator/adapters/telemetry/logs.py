"""The log of a process: lines for people on a terminal, one JSON object a line for everybody else.

By the standard library: everything we build on logs by it, so one handler gives all of it the same form and the same
rules. In JSON no line has the text of an error that is not ours, nor a line of source: both may hold what was sent.
"""

from __future__ import annotations

import logging
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from orchestrator.errors import OrchestratorError
from orchestrator.service.about import now_about

if TYPE_CHECKING:
    from orchestrator.settings import Settings

WORDS = ("saga", "execution_id", "correlation_id", "step", "direction", "attempt", "error")
"""What a line may say beside its event, in this order."""
MOST_FRAMES = 20


def set_up(settings: Settings) -> None:
    """Have this process log as its settings say, to standard error."""
    is_json = settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if is_json else TextLines())
    logging.basicConfig(handlers=[handler], level=settings.log_level.upper(), force=True)


def words_of(record: logging.LogRecord) -> dict[str, Any]:
    """What a line is about: what it says itself, else what is in hand."""
    said = {**now_about(), **vars(record)}
    return {word: said[word] for word in WORDS if said.get(word)}


class TextLines(logging.Formatter):
    """A line for people, with its traceback."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        """With what it is about at its end."""
        words = " ".join(f"{word}={value}" for word, value in words_of(record).items())
        return super().formatMessage(record) + (f" [{words}]" if words else "")


class JsonLines(logging.Formatter):
    """A JSON object: time, level, logger, event; what it is about; kinds of errors, and where they came from."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **words_of(record),
        }
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            line["exception"] = [_told(one) for one in _chain(error)]
            line["where"] = _frames(error)
        return to_json(line, fallback=str).decode()


def _chain(error: BaseException) -> list[BaseException]:
    """The error and what led to it."""
    found: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in found:
        found.append(following)
        following = following.__cause__ or (None if following.__suppress_context__ else following.__context__)
    return found


def _told(error: BaseException) -> str:
    name = type(error).__name__
    return f"{name}: {error}" if isinstance(error, OrchestratorError) else name


def _frames(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-MOST_FRAMES:]
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
