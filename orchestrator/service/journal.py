"""The journal of an execution: what its engine was told, line by line, without payloads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One thing the engine was told, without payloads.

    Attributes:
        ignored: why it changed nothing.
        said: what else a signal says that decides how it goes on, by name, where it is not as by default: which timer,
            whether a failure may be tried again, how long a slow worker is fenced. None: nothing.
        frames: where in the code an attempt failed, call by call.
    """

    revision: int
    at_ms: int
    kind: str
    step: str = ""
    direction: str = ""
    attempt: int = 0
    code: str = ""
    reason: str = ""
    ignored: str = ""
    actor: str = ""
    command_id: str = ""
    message_type: str = ""
    message_id: str = ""
    said: dict[str, Any] | None = None
    frames: tuple[str, ...] = ()
