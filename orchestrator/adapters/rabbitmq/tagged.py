"""AMQP header values as JSON and back. What JSON has no word for is tagged: `{"$bytes": "aGk="}`. Pure."""

from __future__ import annotations

from base64 import b64decode, b64encode
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

BYTES, DECIMAL, TIME, TABLE = "$bytes", "$decimal", "$time", "$table"


def tagged(headers: Mapping[str, Any]) -> dict[str, Any]:
    """A header table as JSON values."""
    return {name: _tag(value) for name, value in headers.items()}


def untagged(headers: Mapping[str, Any]) -> dict[str, Any]:
    """The header table that `tagged` was given."""
    return {name: _untag(value) for name, value in headers.items()}


def _tag(value: Any) -> Any:
    if isinstance(value, bytes | bytearray):
        return {BYTES: b64encode(value).decode()}
    if isinstance(value, Decimal):
        return {DECIMAL: str(value)}
    if isinstance(value, datetime):
        return {TIME: value.isoformat()}
    if isinstance(value, dict):
        table = tagged(cast("dict[str, Any]", value))
        return {TABLE: table} if any(name.startswith("$") for name in table) else table
    return [_tag(one) for one in _list(value)] if isinstance(value, list) else value


def _untag(value: Any) -> Any:
    if isinstance(value, dict):
        table = cast("dict[str, Any]", value)
        tag = next(iter(table), "")
        return _READ[tag](table[tag]) if tag in _READ and len(table) == 1 else untagged(table)
    return [_untag(one) for one in _list(value)] if isinstance(value, list) else value


def _raw(text: str) -> bytearray:
    """As the client library reads raw bytes, and the only way in which it writes them."""
    return bytearray(b64decode(text))


def _list(value: Any) -> list[Any]:
    found: list[Any] = value
    return found


_READ: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {BYTES: _raw, DECIMAL: Decimal, TIME: datetime.fromisoformat, TABLE: untagged}
)
