"""What the API shows of bulks."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import Field

from orchestrator.console.api.documents import Document
from orchestrator.console.api.records import named
from orchestrator.service.bulk_records import BulkState, BulkWord, ItemState
from orchestrator.service.records import moment

if TYPE_CHECKING:
    from orchestrator.service.bulk_records import Bulk, BulkCounts, BulkItem


class SelectionDocument(Document):
    """What a filter selects now; beginning a bulk carries `token`."""

    count: int
    token: str
    first_ids: list[str] = Field(description="some of them")


class BulkLine(Document):
    """One operation on many executions, in a list."""

    id: str
    operation: BulkWord
    state: BulkState
    reason: str
    actor: str
    rate: float
    total: int
    created: datetime
    override: bool = Field(description="it compensates past the point of no return too")


class BulkLines(Document):
    """One page of bulks, the newest first."""

    items: list[BulkLine]
    next_cursor: str | None


class BulkDocument(BulkLine):
    """How far it is; total = waiting + done + failed + skipped."""

    waiting: int
    done: int
    failed: int
    skipped: int


class BulkItemDocument(Document):
    """One execution of a bulk."""

    number: int
    execution_id: str
    state: ItemState
    round: int
    operation_id: str
    text: str


class BulkItems(Document):
    """One page of items, by number."""

    items: list[BulkItemDocument]
    next_cursor: str | None


def bulk_line(bulk: Bulk) -> BulkLine:
    """One bulk of a list."""
    return BulkLine(
        **named(bulk, BulkLine, "operation", "actor", "created"),
        operation=bulk.word,
        actor=bulk.caller.actor,
        created=moment(bulk.created_ms),
    )


def bulk_document(bulk: Bulk, counts: BulkCounts) -> BulkDocument:
    """One bulk."""
    counted = {name: getattr(counts, name) for name in ("waiting", "done", "failed", "skipped")}
    return BulkDocument(**bulk_line(bulk).model_dump(), **counted)


def item_document(item: BulkItem) -> BulkItemDocument:
    """One item of a bulk."""
    return BulkItemDocument.model_validate(item)
