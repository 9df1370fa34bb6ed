"""Limits of values in JSON Schemas: what a writer may send must lie within what a reader takes. A table, and pure."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Told: TypeAlias = "tuple[Literal['breaks', 'unknown'], str]"


@dataclass(frozen=True, slots=True)
class _Bound:
    """One kind of bound.

    Attributes:
        words: the keyword that includes its value, and the one that excludes it (empty: there is none).
        is_lower: whether values lie above it. `unless`: what the bound is when it is not written, None = none.
    """

    words: tuple[str, str]
    is_lower: bool
    unless: int | None = None


BOUNDS = (
    _Bound(("minimum", "exclusiveMinimum"), is_lower=True),
    _Bound(("maximum", "exclusiveMaximum"), is_lower=False),
    _Bound(("minLength", ""), is_lower=True, unless=0),
    _Bound(("maxLength", ""), is_lower=False),
    _Bound(("minItems", ""), is_lower=True, unless=0),
    _Bound(("maxItems", ""), is_lower=False),
    _Bound(("minProperties", ""), is_lower=True, unless=0),
    _Bound(("maxProperties", ""), is_lower=False),
)


def limits(reader: Mapping[str, Any], writer: Mapping[str, Any]) -> Iterator[Told]:
    """What the writer may send beyond what the reader takes: a verdict and a sentence each."""
    for bound in BOUNDS:
        yield from _bound(bound, reader, writer)
    yield from _same("format", reader, writer, "breaks")
    yield from _same("pattern", reader, writer, "unknown")
    yield from _multiple(reader, writer)
    if reader.get("uniqueItems") and not writer.get("uniqueItems"):
        yield "breaks", "items may repeat, and must not"


def _bound(bound: _Bound, reader: Mapping[str, Any], writer: Mapping[str, Any]) -> Iterator[Told]:
    including, excluding = bound.words
    for word in bound.words:
        wanted = reader.get(word)
        if wanted is None or wanted == bound.unless:
            continue
        # Within an excluding bound lies what is beyond it; an excluding bound of the writer lies within both.
        beyond: Callable[[Any, Any], bool] = operator.ge if bound.is_lower else operator.le
        strictly: Callable[[Any, Any], bool] = operator.gt if bound.is_lower else operator.lt
        if excluding and excluding in writer and beyond(writer[excluding], wanted):
            continue
        if including in writer and (strictly if word == excluding else beyond)(writer[including], wanted):
            continue
        sent = writer.get(excluding, writer.get(including, "none")) if excluding else writer.get(including, "none")
        yield "breaks", f"{word} is {wanted}, and was {sent} where it is sent"


def _same(
    word: str, reader: Mapping[str, Any], writer: Mapping[str, Any], otherwise: Literal["breaks", "unknown"]
) -> Iterator[Told]:
    wanted, sent = reader.get(word), writer.get(word)
    if wanted is None or wanted == sent:
        return
    if sent is None:
        yield "breaks", f"{word} must be {wanted!r}, and is not where it is sent"
    else:
        yield otherwise, f"{word} must be {wanted!r}, and is {sent!r} where it is sent"


def _multiple(reader: Mapping[str, Any], writer: Mapping[str, Any]) -> Iterator[Told]:
    wanted, sent = reader.get("multipleOf"), writer.get("multipleOf")
    if wanted is None or wanted == sent:
        return
    if sent is None or sent % wanted != 0:
        yield "breaks", f"must be a multiple of {wanted}, and is {f'one of {sent}' if sent else 'any'} where it is sent"
