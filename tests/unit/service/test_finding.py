"""A whole id leads to what it names, for those who may see it; the beginning of one names nothing yet."""

import pytest

from orchestrator.service.access import Caller, Role
from orchestrator.service.bulk import BulkWish
from orchestrator.service.finding import Named, named
from orchestrator.service.parked_actions import Target
from orchestrator.service.parked_deciding import Wish
from orchestrator.service.records import Filter, milliseconds
from tests.api_kit import ApiBench
from tests.parked_kit import T0, arrival
from tests.service_kit import ADMIN, NOW, OPERATOR, VIEWER, WHY

ELSEWHERE = Caller(actor="zoe", role=Role.ADMIN, sagas=frozenset({"order"}))


@pytest.fixture
async def bench() -> ApiBench:
    made = ApiBench()
    for name in ("t1", "t12", "a:b/c"):
        made.ledger.keep_open(made.run(name), changed_ms=milliseconds(NOW))
    await made.parking.record(arrival(1), T0)
    await made.parking.mark_recorded(T0)
    return made


async def operation(bench: ApiBench) -> str:
    return (await bench.operate("suspend", name="t1", key="k", caller=OPERATOR)).id


async def bulk(bench: ApiBench) -> str:
    wanted = Filter(saga="trip")
    preview = await bench.bulking.preview(ADMIN, "suspend", wanted)
    wish = BulkWish(word="suspend", wanted=wanted, reason=WHY, key="b", token=preview.token)
    return (await bench.bulking.begin(ADMIN, wish)).id


async def parked_operation(bench: ApiBench) -> str:
    target = Target(arrival(1).id)
    done = await bench.service.parked.deciding.discard(ADMIN, Wish(target=target, reason=WHY, key="p"))
    return done.id


@pytest.mark.parametrize("text", ["trip:t1", "trip:a:b/c"])
async def test_a_whole_id_of_an_execution_is_that_one_though_others_begin_so(bench, text) -> None:
    assert await named(bench.service, VIEWER, text) == Named("execution", text)
    assert await named(bench.service, ELSEWHERE, text) is None


@pytest.mark.parametrize("text", ["", "t1", "trip", "trip:", ":t1", "trip:t", "trip:t1/undo", "order:t1", "f" * 32])
async def test_what_is_no_whole_id_names_nothing(bench, text) -> None:
    assert await named(bench.service, ADMIN, text) is None


async def test_an_operation_is_found_by_those_who_may_see_its_execution(bench) -> None:
    text = await operation(bench)
    assert await named(bench.service, VIEWER, text) == Named("operation", text)
    assert await named(bench.service, ELSEWHERE, text) is None
    assert await named(bench.service, VIEWER, text[:-1]) is None


async def test_a_bulk_is_found_by_those_who_may_see_bulks_and_its_sagas(bench) -> None:
    text = await bulk(bench)
    assert await named(bench.service, ADMIN, text) == Named("bulk", text)
    assert await named(bench.service, ELSEWHERE, text) is None
    assert await named(bench.service, VIEWER, text) is None


async def test_an_operation_on_parked_messages_is_found_by_those_who_may_see_these(bench) -> None:
    text = await parked_operation(bench)
    assert await named(bench.service, ADMIN, text) == Named("parked operation", text)
