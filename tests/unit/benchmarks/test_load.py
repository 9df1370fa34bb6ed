"""The closed loop: so many are open, and only what ends in the window counts."""

import asyncio

from benchmarks.load import Load
from benchmarks.orders import word_of


class Sagas:
    def __init__(self, lasts=0.01, word=word_of):
        self.open = self.most = 0
        self.lasts, self.word = lasts, word

    async def perform(self, placed):
        self.open += 1
        self.most = max(self.most, self.open)
        await asyncio.sleep(self.lasts)
        self.open -= 1
        return self.word(placed)


async def test_as_many_are_open_as_asked_for_and_all_have_ended_at_the_end(monkeypatch) -> None:
    monkeypatch.setattr("benchmarks.load.WARM_UP_S", 0.05)
    sagas = Sagas()
    load = Load(sagas.perform, "run", {})
    window = await load.measure(5, 0.2)
    assert (sagas.most, sagas.open, load.faults) == (5, 0, [])
    assert 0 < len(window.latencies_ms) < len(load.orders)
    assert len({placed.order_id for placed in load.orders}) == len(load.orders)


async def test_a_window_ends_only_when_something_has_ended_in_it(monkeypatch) -> None:
    monkeypatch.setattr("benchmarks.load.WARM_UP_S", 0.0)
    window = await Load(Sagas(lasts=0.1).perform, "run", {}).measure(1, 0.001)
    figures = window.figures()
    assert figures["sagas"] == 1
    assert figures["p50_ms"] >= 100


async def test_a_saga_that_ends_otherwise_is_a_fault(monkeypatch) -> None:
    monkeypatch.setattr("benchmarks.load.WARM_UP_S", 0.0)
    load = Load(Sagas(word=lambda _: "Stuck").perform, "run", {})
    await load.measure(1, 0.01)
    assert load.faults[0] == "run-0 ended as Stuck"
