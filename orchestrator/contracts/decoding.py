"""Bodies from outside, decoded with limits. Size is checked before this, where the message is received."""

from __future__ import annotations

import math
import re
from codecs import BOM_UTF8
from typing import Any, cast

from pydantic_core import from_json

from orchestrator.errors import MalformedMessageError

SMALLEST_NUMBER = -(2**63)
LARGEST_NUMBER = 2**64 - 1
"""Whole numbers beyond 64 bits are refused: most stores and languages would change them silently."""
MAX_SHOWN = 200
"""How much of a parser's complaint is repeated, characters."""

# Only these bodies are looked through again; all others are decoded at the parser's full speed.
_SUSPECT = re.compile(rb"[0-9]{19}|[eE][+-]?[0-9]{3}")


def decode(body: bytes) -> Any:
    """The JSON value that `body` holds.

    Refused are: anything but UTF-8 JSON without a byte order mark, nesting deeper than 200, lone surrogates, NaN and
    infinity (also as `1e999`), and whole numbers beyond 64 bits. Of two fields of one name in an object the last
    counts, as in most readers.

    Raises:
        MalformedMessageError: says what is wrong and where.
    """
    if not body:
        raise MalformedMessageError("the body is empty, JSON is expected")
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        why = "it begins with a byte order mark" if body.startswith(BOM_UTF8) else str(error)[:MAX_SHOWN]
        raise MalformedMessageError(f"the body is not acceptable JSON: {why}") from None
    if _SUSPECT.search(body):
        _refuse_odd_numbers(value)
    return value


def _refuse_odd_numbers(value: Any) -> None:
    waiting: list[Any] = [value]
    while waiting:
        item = waiting.pop()
        waiting.extend(children(item))
        match item:
            case float() as found if not math.isfinite(found):
                raise MalformedMessageError("the body has a number too large for a double")
            case bool():
                pass
            case int() as found if not SMALLEST_NUMBER <= found <= LARGEST_NUMBER:
                raise MalformedMessageError("the body has a whole number beyond 64 bits: send it as text")
            case _:
                pass


def children(value: Any) -> list[Any]:
    """The values directly inside a JSON object or array; none inside anything else."""
    if isinstance(value, dict):
        return list(cast("dict[str, Any]", value).values())
    if isinstance(value, list):
        return value  # pyright: ignore[reportUnknownVariableType] - a list of anything
    return []
