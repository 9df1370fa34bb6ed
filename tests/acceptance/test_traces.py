"""What traces tell of orders on the real servers."""

from itertools import cycle

import pytest

from orchestrator.service.records import Filter
from tests.ledger_kit import reading
from tests.shop_kit import ALL, shop
from tests.trace_kit import of_journal, of_spans, recorded

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]
KINDS = ("", "payment-declined", "shipping-declined", "silent-inventory")
ORDERS = 8


async def test_the_tree_of_spans_is_the_journal_and_each_message_hangs_from_its_attempt(tmp_path) -> None:
    traces = tmp_path / "traces"
    async with shop(tmp_path, *ALL, traces="file", trace_folder=traces) as place:
        kinds = dict(zip(range(ORDERS), cycle(KINDS), strict=False))
        executions = [await place.place(place.order(number, kind)) for number, kind in kinds.items()]
        for execution in executions:
            await place.result(execution)
        settings = place.corner.settings
    found = recorded(traces)
    async with reading(settings) as ledger:
        assert len((await ledger.page(Filter())).rows) == ORDERS
        for execution in executions:
            journal = of_journal(await ledger.journal(execution))
            assert of_spans(found[execution]) == journal
            assert len(journal) >= 2
    for execution in executions:
        holds_together(found[execution])


def holds_together(spans) -> None:
    """One trace, one root that links to the sender, and everything hangs from it; each span says whose it is."""
    by_id = {span.span_id: span for span in spans}
    assert len({span.trace_id for span in spans}) == 1
    roots = [span for span in spans if not span.parent_id]
    assert [(root.outcome, len(root.links)) for root in roots] == [("started", 1)]
    assert {span.correlation_id for span in spans} == {roots[0].execution_id}
    for span in spans:
        parent = by_id[span.parent_id] if span.parent_id else None
        if span.name.startswith(("send", "receive")) and span.step:
            assert parent is not None
            assert (parent.step, parent.direction, parent.attempt) == (span.step, span.direction, span.attempt)
            assert parent.is_attempt
        if span.service in ALL:
            assert parent is not None
            assert parent.name.startswith("send ")
            assert (parent.step, parent.direction) == (span.step, span.direction)


async def test_with_tracing_off_nothing_is_written(tmp_path) -> None:
    traces = tmp_path / "traces"
    async with shop(tmp_path, *ALL, trace_folder=traces) as place:
        await place.result(await place.place(place.order()))
    assert not traces.exists()
