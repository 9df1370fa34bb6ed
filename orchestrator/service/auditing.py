"""The audit: who did what, append-only, each row chained to the one before by a hash. Pure.

A row that is changed, missing or inserted breaks the chain; rows cut off at the end are found by the head, which is
kept apart.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Literal

from pydantic_core import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_TARGET = 255
"""Characters of a target; what somebody made up may be longer, and is cut."""
ORIGIN = "0" * 64
"""What the first row is chained to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One thing that somebody did or was refused.

    Attributes:
        at_ms: when, epoch milliseconds.
        actor, role, origin: who, as what, from where.
        what: the word of the operation. `target`: on which execution, saga, participant or bulk.
        result: `accepted`, `refused`, `verified`, `failed`, `no_effect`. `text`: why, for people.
        before, after: revisions around it, None where there are none.
    """

    at_ms: int
    actor: str
    role: str
    what: str
    target: str
    result: str
    reason: str = ""
    text: str = ""
    operation_id: str = ""
    before: int | None = None
    after: int | None = None
    origin: str = ""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An entry with its place in the chain; the first number is 1."""

    number: int
    entry: AuditEntry
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """The last row that was written, kept apart from the rows."""

    number: int = 0
    hash: str = ORIGIN


@dataclass(frozen=True, slots=True)
class Tampering:
    """A fault of the chain at a row."""

    number: int
    kind: Literal["changed", "missing", "inserted"]
    text: str


def chained(head: Head, entry: AuditEntry) -> AuditRow:
    """The row that follows `head`, its entry as it is kept."""
    number = head.number + 1
    entry = replace(entry, target=entry.target[:MAX_TARGET])
    return AuditRow(number, entry, head.hash, _hash(number, head.hash, entry))


def verify(rows: Iterable[AuditRow], head: Head) -> Iterator[Tampering]:
    """Every fault of a chain that is read from its beginning, in order of numbers."""
    last = Head()
    for row in rows:
        yield from _faults(row, last)
        last = Head(row.number, row.hash)
    if last.number < head.number:
        yield Tampering(last.number + 1, "missing", f"rows {last.number + 1} to {head.number} are missing at the end")
    elif last != head:
        yield Tampering(last.number, "inserted", f"the last row written was number {head.number}")


def _faults(row: AuditRow, last: Head) -> Iterator[Tampering]:
    if row.number > last.number + 1:
        yield Tampering(last.number + 1, "missing", f"rows {last.number + 1} to {row.number - 1} are missing")
    elif row.number <= last.number:
        yield Tampering(row.number, "inserted", f"number {row.number} is there twice")
    elif row.previous != last.hash:
        yield Tampering(row.number, "inserted", "it is not chained to the row before it")
    if row.hash != _hash(row.number, row.previous, row.entry):
        yield Tampering(row.number, "changed", "its content is not what was written")


def _hash(number: int, previous: str, entry: AuditEntry) -> str:
    return hashlib.sha256(to_json([number, previous, asdict(entry)])).hexdigest()
