"""How everything is that sagas need."""

import asyncio
from datetime import timedelta

import pytest

from orchestrator.errors import BrokerUnavailableError, EngineUnavailableError
from orchestrator.service import health
from orchestrator.service.health import KEEP, Health, ledger_probe
from orchestrator.service.records import Freshness
from tests.service_kit import NOW, VIEWER, ManualClock, ServiceBench


async def there() -> str:
    return "it is there"


async def away() -> str:
    raise EngineUnavailableError("nobody is there")


async def test_each_part_is_told_for_itself_though_another_is_away() -> None:
    made = Health({"broker": there, "temporal": away}, ManualClock())
    found = await made.look(VIEWER)
    assert [(one.part, one.is_there, one.text, one.at) for one in found] == [
        ("broker", True, "it is there", NOW),
        ("temporal", False, "nobody is there", NOW),
    ]


async def test_what_was_found_is_told_again_for_a_while() -> None:
    clock, looks = ManualClock(), []

    async def look() -> str:
        looks.append(1)
        if len(looks) == 2:
            raise BrokerUnavailableError("amqp://localhost", "gone")
        return ""

    made = Health({"broker": look}, clock)
    for _ in range(3):
        assert (await made.look(VIEWER))[0].is_there
    clock.moment += KEEP
    assert not (await made.look(VIEWER))[0].is_there
    assert len(looks) == 2


async def test_whether_parts_answer_is_told_to_everybody_of_these_parts_alone_and_as_it_is_now() -> None:
    looks = {"ledger": 0, "broker": 0}

    def counted(part: str):
        async def look() -> str:
            looks[part] += 1
            return ""

        return look

    made = Health({"ledger": counted("ledger"), "broker": counted("broker"), "temporal": away}, ManualClock())
    assert await made.answers("ledger", "temporal") == {"ledger": True, "temporal": False}
    assert await made.answers("ledger") == {"ledger": True}
    assert looks == {"ledger": 2, "broker": 0}
    await made.look(VIEWER)
    assert looks == {"ledger": 2, "broker": 1}, "what was found a moment ago is told"


async def test_what_does_not_answer_is_not_waited_for(monkeypatch) -> None:
    async def never() -> str:
        await asyncio.Event().wait()
        return ""

    monkeypatch.setattr(health, "PATIENCE", timedelta(milliseconds=1))
    (found,) = await Health({"workers": never}, ManualClock()).look(VIEWER)
    assert (found.is_there, "did not answer within" in found.text) == (False, True)


async def test_a_fault_of_our_own_is_no_standing() -> None:
    async def broken() -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await Health({"broker": broken}, ManualClock()).look(VIEWER)


@pytest.mark.parametrize(
    ("fresh", "text"),
    [
        (Freshness(NOW, NOW), "changes since 2026-01-01 00:00:00 UTC may be missing"),
        (Freshness(None, None), "it was never compared with Temporal"),
        (Freshness(None, NOW), "compared with Temporal at 2026-01-01 00:00:00 UTC"),
    ],
)
async def test_the_ledger_says_how_far_it_can_be_trusted(fresh, text) -> None:
    bench = ServiceBench()
    bench.ledger.fresh = fresh
    look = ledger_probe(bench.reading)
    assert (await look()).startswith(text)
    bench.ledger.away = True
    (found,) = await Health({"ledger": look}, bench.clock).look(VIEWER)
    assert (found.is_there, found.text) == (False, "the ledger is away")
