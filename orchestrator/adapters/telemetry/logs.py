"""The log of a process: lines for people on a terminal, one JSON object a line for everybody else.

By the standard library: everything we build on logs by it, so one handler gives all of it the same form and the same
rules. In JSON no line has the text of an error that is not ours, nor a line of source: both may hold what was sent. And
libraries that tell of what they carry, whole and at DEBUG, are heard from WARNING on, however much is logged.
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
from orchestrator.service.frames import chain_of

if TYPE_CHECKING:
    from orchestrator.settings import Settings

WORDS = ("saga", "execution_id", "correlation_id", "step", "direction", "attempt", "error")
"""What a line may say beside its event, in this order."""
MOST_FRAMES = 20
CARRIERS = ("aio_pika", "aiormq", "aiosqlite", "asyncpg", "httpcore", "httpx", "sqlalchemy", "temporalio", "urllib3")
"""Loggers of libraries that write bodies, headers, parameters and addresses into their lines at DEBUG or INFO."""
REPRESENTING = "asyncio"
"""Its lines have more lines, in which tasks and futures represent the errors that they ended with."""


def set_up(settings: Settings) -> None:
    """Have this process log as its settings say, to standard error."""
    is_json = settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if is_json else TextLines())
    logging.basicConfig(handlers=[handler], level=settings.log_level.upper(), force=True)
    for name in CARRIERS:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.root.level))


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
    """A JSON object: time, level, logger, event; what it is about; kinds of errors, and where they came from.

    `template` is the event without what is put into it, and so the same in each line of its kind.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": _event(record),
            **words_of(record),
        }
        if record.args:
            line["template"] = str(record.msg)
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            line["exception"] = [_told(one) for one in chain_of(error)]
            line["where"] = _frames(error)
        return to_json(line, fallback=str).decode()


def _event(record: logging.LogRecord) -> str:
    """What happened, with its arguments; of those that are errors, only ours say more than their kind."""
    text = str(record.msg)
    if isinstance(record.args, tuple) and record.args:
        text %= tuple(_said(one) for one in record.args)
    elif record.args:
        text %= record.args
    return text.partition("\n")[0] if record.name == REPRESENTING else text


def _said(argument: object) -> object:
    if isinstance(argument, BaseException) and not isinstance(argument, OrchestratorError):
        return _told(argument)
    return argument


def _told(error: BaseException) -> str:
    name = type(error).__name__
    match error:
        case OrchestratorError():
            return f"{name}: {error}"
        case OSError(strerror=str() as said):  # in the words of the system, which knows of no payload
            return f"{name}: {said}"
        case _:
            return name


def _frames(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-MOST_FRAMES:]
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
