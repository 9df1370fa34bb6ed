"""Projections: read models that follow from the messages of the event store, and from nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from orchestrator.stored import StoredMessage

S = TypeVar("S")


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection(Generic[S]):
    """A read model, made by folding messages in the order in which they were recorded.

    It only reads: it is given messages and gives rows. Nothing is sent, whatever it does, so it may be made anew at any
    time. Its functions must be pure: the same messages give the same rows.

    Attributes:
        name: by which it is rebuilt.
        types: the message types that it wants; empty = all.
        empty: the state before the first message.
        fold: the state after one more message. It owns the state that it is given: it may change and return it.
        rows: what people read: JSON values by key.
    """

    name: str
    types: tuple[str, ...] = ()
    empty: Callable[[], S]
    fold: Callable[[S, StoredMessage], S]
    rows: Callable[[S], Mapping[str, Any]]
