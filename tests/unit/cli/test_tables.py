"""Tables fit the terminal: what is cut is what was said, never an id or a status."""

from io import StringIO

import pytest
from rich.console import Console

from orchestrator.cli import tables
from orchestrator.service.auditing import AuditEntry, AuditRow
from orchestrator.service.operations import OperationRecord
from orchestrator.service.reading import AsOf, Listing
from orchestrator.service.records import milliseconds
from orchestrator.service.requests import Resolve
from tests.service_kit import NOW, ServiceBench


def lines(shown, width):
    console = Console(file=StringIO(), width=width, markup=False)
    console.print(shown)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


@pytest.fixture
def listing() -> Listing:
    bench = ServiceBench()
    bench.ledger.keep_open(bench.stuck("an-id-of-some-length-0001"), changed_ms=milliseconds(NOW))
    (detail,) = bench.ledger.details.values()
    return Listing((detail.row,), None, AsOf(NOW, is_stale=False, reconciled=None))


@pytest.mark.parametrize("width", [80, 100, 200])
def test_a_list_keeps_ids_and_statuses_whole_and_cuts_what_was_said(listing, width) -> None:
    _, row, *_ = lines(tables.listing(listing, None), width)
    assert row.split()[:3] == ["trip:an-id-of-some-length-0001", "stuck", "book_flight"]
    assert len(row) <= width


def test_on_a_narrow_terminal_nothing_is_wider_than_it(listing) -> None:
    assert all(len(line) <= 40 for line in lines(tables.listing(listing, None), 40))


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "0 s"), (59, "59 s"), (60, "1 min"), (7_199, "1 h"), (200_000, "2 d"), (-5, "0 s")]
)
def test_an_age_is_told_in_its_largest_unit(seconds, told) -> None:
    from datetime import timedelta

    assert tables.age(NOW - timedelta(seconds=seconds), NOW) == told


def columns(shown, width):
    """What stands in the first two columns, each without the ends of lines that a narrow terminal puts in."""
    head, *rows = lines(shown, width)
    second = head.index("at, UTC")
    third = head.index("who" if "who" in head else "by")
    return "".join(row[:second].strip() for row in rows), " ".join(row[second:third].strip() for row in rows).strip()


@pytest.mark.parametrize("width", [64, 80, 200])
def test_where_room_is_short_neither_the_time_nor_the_id_of_an_operation_is_cut(width) -> None:
    asked = Resolve(operation="resolve", step="book_flight", how="retry")
    record = OperationRecord(
        id="0a39a91fce8f48319172a297e06415f5",
        execution_id="trip:an-id-of-some-length-0001",
        actor="mara",
        role="operator",
        request=asked,
        reason="the hotel was asked by telephone",
        key="k",
        body_hash="h",
        accepted_ms=milliseconds(NOW),
        state="verified",
    )
    assert columns(tables.operations([record]), width) == (record.id, "2026-01-01 00:00:00")


@pytest.mark.parametrize("width", [60, 80, 200])
def test_where_room_is_short_the_time_of_an_audited_deed_is_not_cut(width) -> None:
    entry = AuditEntry(
        at_ms=milliseconds(NOW),
        actor="mara",
        role="operator",
        what="resolve",
        target="trip:an-id-of-some-length-0001",
        result="accepted",
        reason="the hotel was asked by telephone",
    )
    assert columns(tables.audit([AuditRow(7, entry, "", "")]), width) == ("7", "2026-01-01 00:00:00")
