"""Messages of one execution as people read them: a page of them, one alone, and where a page ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from orchestrator.stored import Way

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.service.records import MessageRecord

MessagePlace: TypeAlias = tuple[int, str, Way]
"""At which millisecond, id, and way: in this order messages are read, and one may come in that went out."""


@dataclass(frozen=True, slots=True)
class Letters:
    """A page of messages, the newest first. `following` is None at the end.

    Bodies are None unless they were asked for, and `shows_payloads`: whether the caller may see them.
    """

    messages: tuple[MessageRecord, ...]
    following: MessagePlace | None
    shows_payloads: bool


@dataclass(frozen=True, slots=True)
class Letter:
    """One message; its body is None unless `shows_payloads`, and where none was kept."""

    message: MessageRecord
    shows_payloads: bool


def place_of(written: Sequence[object] | None) -> MessagePlace | None:
    """The place that somebody wrote down, as in a cursor; None if there is none.

    Raises:
        ValueError: it is no place.
    """
    if written is None:
        return None
    at_ms, message_id, way = written
    if way not in ("in", "out") or not message_id:
        raise ValueError(f"{written!r} is no place of a message")
    return int(str(at_ms)), str(message_id), "in" if way == "in" else "out"
