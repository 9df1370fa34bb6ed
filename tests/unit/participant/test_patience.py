import pytest

from orchestrator.contracts.protocol import read_reply
from orchestrator.errors import StoreUnavailableError, UnknownCommandError
from orchestrator.messages import Envelope
from orchestrator.participant import MemoryStore
from orchestrator.participant.patience import FAULT, LONGEST_WAIT_S, PAUSES_S, handle_patiently
from tests.participant_kit import Fault, Made, Make, Notes, ask_for, memory_bench


class Pauses:
    """A sleep that only remembers how long it was to be, zero left out."""

    def __init__(self):
        self.taken: list[float] = []

    async def __call__(self, seconds):
        if seconds:
            self.taken.append(seconds)


class Away(MemoryStore):
    """Cannot be reached the first `times` times."""

    def __init__(self, times: int):
        super().__init__(Notes())
        self.times = times

    def transaction(self):
        if self.times:
            self.times -= 1
            raise StoreUnavailableError("away")
        return super().transaction()


def faulty(times):
    """A maker whose handler has a fault the first `times` times; how often it was called."""
    bench, calls = memory_bench(), []
    make = bench.participant.handlers.pop("thing.make").handle

    @bench.participant.handles(Make)
    async def sometimes(command, ctx) -> Made:
        calls.append(command)
        if len(calls) <= times:
            raise Fault("card 4711 of Mr Smith")
        await make(command, ctx)
        return Made(what="a")

    return bench, calls


async def test_a_fault_that_passes_is_tried_again() -> None:
    (bench, calls), pauses = faulty(times=2), Pauses()
    answer = await handle_patiently(bench.participant, bench.store, ask_for(), sleep=pauses)
    assert read_reply(answer.reply).outcome == "completed"
    assert (len(calls), pauses.taken) == (3, list(PAUSES_S))
    assert await bench.made() == ["a"]
    assert len(answer.events) == 1


async def test_a_fault_that_stays_is_answered_and_not_stored(caplog) -> None:
    (bench, calls), pauses = faulty(times=3), Pauses()
    reply = read_reply((await handle_patiently(bench.participant, bench.store, ask_for(), sleep=pauses)).reply)
    assert (reply.outcome, reply.code, reply.retryable) == ("failed", FAULT, True)
    assert reply.reason == "maker could not carry out thing.make: Fault; see its log"
    assert len(calls) == 3
    assert "Mr Smith" in caplog.text
    again = await handle_patiently(bench.participant, bench.store, ask_for(), sleep=pauses)
    assert read_reply(again.reply).outcome == "completed"


async def test_a_store_that_is_away_is_waited_for_however_long() -> None:
    bench, store, pauses = memory_bench(), Away(times=10), Pauses()
    answer = await handle_patiently(bench.participant, store, ask_for(), sleep=pauses)
    assert read_reply(answer.reply).outcome == "completed"
    assert pauses.taken == [0.2, 0.4, 0.8, 1.6, 3.2, *[LONGEST_WAIT_S] * 5]


async def test_a_command_that_cannot_be_taken_is_not_tried_at_all() -> None:
    bench, pauses = memory_bench(), Pauses()
    melt = Envelope(id="m", source="test", type="thing.melt", body=b"{}")
    with pytest.raises(UnknownCommandError):
        await handle_patiently(bench.participant, bench.store, melt, sleep=pauses)
    assert pauses.taken == []


async def test_a_refusal_is_no_fault() -> None:
    bench, pauses = memory_bench(), Pauses()
    for what, outcome in (("refused", "rejected"), ("later", "failed")):
        answer = await handle_patiently(bench.participant, bench.store, ask_for(what, key=what), sleep=pauses)
        assert read_reply(answer.reply).outcome == outcome
    assert pauses.taken == []
