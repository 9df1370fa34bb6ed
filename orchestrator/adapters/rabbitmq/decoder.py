"""The client library's decoder, made to survive whatever a stranger puts into headers and properties.

As it comes, one message ends the reader of the whole connection: with headers nested a thousand deep, with a
timestamp in nanoseconds, with a header name that is no UTF-8. The broker then delivers it again, together with all
that was in hand, until the delivery limit of every one of them is used up. Here such a value reads as absent, and
the message is refused and parked like any other.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeAlias

from pamqp import decode

if TYPE_CHECKING:
    from collections.abc import Callable

    Decoder: TypeAlias = Callable[[bytes], tuple[int, Any]]

DEEPEST_HEADERS = 200_000
"""Recursion limit that survives the deepest header table which fits into a frame."""
UNREADABLE = "unreadable"
"""The only key of a header table that could not be read."""
WORD = 4
"""Bytes of a table's own length."""
TIMESTAMP = 8
"""Bytes of a timestamp."""


def harden_decoder() -> None:
    """Make the decoder tolerant, for the whole process and once and for all."""
    if sys.getrecursionlimit() < DEEPEST_HEADERS:
        sys.setrecursionlimit(DEEPEST_HEADERS)
    decode.METHODS["timestamp"] = decode.TABLE_MAPPING[b"T"] = timestamp
    decode.METHODS["shortstr"] = short_text
    decode.METHODS["table"] = decode.TABLE_MAPPING[b"F"] = table


def timestamp(value: bytes) -> tuple[int, Any]:
    """A point in time; None if it is none that a calendar has."""
    try:
        return decode.timestamp(value)
    except (ValueError, OverflowError, OSError):
        return TIMESTAMP, None


def short_text(value: bytes) -> tuple[int, str]:
    """A short text; what is no UTF-8 in it becomes a replacement character."""
    length = value[0] if value else 0
    return length + 1, value[1 : length + 1].decode(errors="replace")


def table(value: bytes) -> tuple[int, Any]:
    """A header table; one that cannot be read has only the key `unreadable`."""
    try:
        return decode.field_table(value)
    except ValueError:
        return WORD + int.from_bytes(value[:WORD]), {UNREADABLE: True}
