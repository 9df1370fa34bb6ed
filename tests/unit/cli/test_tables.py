"""Tables fit the terminal: what is cut is what was said, never an id or a status."""

from io import StringIO

import pytest
from rich.console import Console

from orchestrator.cli import tables
from orchestrator.service.reading import AsOf, Listing
from orchestrator.service.records import milliseconds
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
