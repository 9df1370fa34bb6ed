"""Where a page of a list ended, as text that the next call gives back.

It is bound to its filter, so that nobody goes on in another list, but not signed: who runs a command may read all.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from pydantic_core import from_json, to_json

from orchestrator.errors import InvalidRequestError
from orchestrator.service.letters import place_of
from orchestrator.service.records import Cursor

if TYPE_CHECKING:
    from orchestrator.service.letters import MessagePlace
    from orchestrator.service.records import Filter


def written(cursor: Cursor | None, wanted: Filter) -> str | None:
    """The text of a cursor; None at the end."""
    if cursor is None:
        return None
    content = to_json([cursor.changed_ms, cursor.execution_id, _named(wanted)])
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def read(text: str, wanted: Filter) -> Cursor | None:
    """The cursor of a text; None if there is no text.

    Raises:
        InvalidRequestError: it is none, or that of another filter.
    """
    if not text:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        changed_ms, execution_id, named = from_json(base64.urlsafe_b64decode(padded))
        cursor = Cursor(int(changed_ms), str(execution_id))
    except (ValueError, TypeError):
        raise InvalidRequestError([("/cursor", "take the next_cursor of the page before")]) from None
    if named != _named(wanted):
        raise InvalidRequestError([("/cursor", "it belongs to another filter: begin at the first page")])
    return cursor


def of_message(place: MessagePlace) -> str:
    """The text of a message's place."""
    at_ms, message_id, way = place
    return f"{at_ms}:{way}:{message_id}"


def message_place(text: str) -> MessagePlace | None:
    """The place of a text; None if there is no text.

    Raises:
        InvalidRequestError: it is none.
    """
    if not text:
        return None
    try:
        at_ms, way, message_id = text.split(":", 2)
        return place_of((at_ms, message_id, way))
    except ValueError:
        raise InvalidRequestError([("/cursor", "take the next_cursor of the page before")]) from None


def _named(wanted: Filter) -> str:
    return hashlib.sha256(repr(wanted).encode()).hexdigest()[:12]
