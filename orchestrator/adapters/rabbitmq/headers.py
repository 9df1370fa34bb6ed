"""Header tables from outside: which of them travel on, and how a bomb is defused."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pamqp import encode

from orchestrator.contracts.decoding import children
from orchestrator.errors import MalformedMessageError

if TYPE_CHECKING:
    from collections.abc import Mapping

OURS = "saga-"
RELAY = "saga-relay-"
"""Headers that the retry ladder keeps for itself."""
PARKED = "saga-parked-"
"""Headers that say why and from where a message was parked."""

MAX_DEPTH = 8
"""Deepest nesting of a header table that is taken; the broker's own `x-death` needs three."""
MAX_TRAVELLING = 32
"""How many `saga-...` headers travel with a message."""
MAX_HEADER_BYTES = 2_048
"""Longest `saga-...` header, bytes."""
MAX_KEPT_BYTES = 32_768
"""How much of a parked message's headers is kept, bytes: far below a frame, which 131,072 bytes fill."""
LEFT_OUT = "(left out: too deep or too large)"


def travelling(headers: Mapping[str, Any]) -> dict[str, str]:
    """The `saga-...` headers that travel on as text; all others stay behind.

    Raises:
        MalformedMessageError: the table is nested too deeply, or one of ours is no plain value, too long, or too many.
    """
    if is_deep(headers):
        raise MalformedMessageError(f"the headers are nested deeper than {MAX_DEPTH}: send plain values")
    found = {name: as_text(name, value) for name, value in headers.items() if _travels(name)}
    if len(found) > MAX_TRAVELLING:
        raise MalformedMessageError(f"the message has {len(found)} saga- headers, {MAX_TRAVELLING} are allowed")
    return found


def as_text(name: str, value: object) -> str:
    """A plain header value as text.

    Raises:
        MalformedMessageError: it is a list, a table or raw bytes, or longer than allowed.
    """
    match value:
        case bool():
            text = "true" if value else "false"
        case str():
            text = value
        case int() | float() | Decimal():
            text = str(value)
        case datetime():
            text = value.isoformat()
        case _:
            raise MalformedMessageError(f"header {name[:100]!r} must be text or a number")
    if len(text.encode()) > MAX_HEADER_BYTES:
        raise MalformedMessageError(f"header {name[:100]!r} is longer than {MAX_HEADER_BYTES} bytes")
    return text


def is_deep(value: Any) -> bool:
    """Whether tables and lists in `value` are nested deeper than `MAX_DEPTH`. Looks level by level."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [child for item in level for child in children(item)]
        if not level:
            return False
    return True


def kept(headers: Mapping[str, Any]) -> dict[str, Any]:
    """A foreign message's headers as they are sent on by ladder and parking: unchanged, unless too deep or too large.

    What does not fit is replaced by a text that says so; what the broker writes about its own dead-lettering is
    dropped, since it would take a second trip for a cycle and drop the message without a word.
    """
    result: dict[str, Any] = {}
    room = MAX_KEPT_BYTES
    for name, value in headers.items():
        if name.startswith(("x-death", "x-first-death-", "x-last-death-", "x-delivery-count")):
            continue
        size = _encoded_size(name, value)
        if size is None or size > room:
            value = LEFT_OUT  # noqa: PLW2901 - the value that goes on
            size = _encoded_size(name, value) or 0
        if size > room:
            break
        room -= size
        result[name] = value
    return result


def _travels(name: str) -> bool:
    return name.startswith(OURS) and not name.startswith((RELAY, PARKED))


def _encoded_size(name: str, value: Any) -> int | None:
    """Bytes of a header on the wire; None if it cannot be sent."""
    if is_deep(value):
        return None
    try:
        return len(name.encode()) + 1 + len(encode.encode_table_value(value))
    except (TypeError, ValueError, OverflowError):
        return None
