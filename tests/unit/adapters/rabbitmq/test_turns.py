import asyncio

import pytest

from orchestrator.adapters.rabbitmq.pace import Pace
from orchestrator.adapters.rabbitmq.turns import Turns


async def test_messages_of_one_execution_go_one_after_the_other_in_order():
    turns, seen, inside = Turns(Pace(burst=10)), [], 0

    async def visit(number):
        nonlocal inside
        async with turns.of("a"):
            inside += 1
            assert inside == 1
            await asyncio.sleep(0)
            seen.append(number)
            inside -= 1

    await asyncio.gather(*(visit(number) for number in range(10)))
    assert seen == list(range(10))


async def test_different_executions_do_not_wait_for_each_other():
    turns = Turns(Pace(burst=1, interval=3_600))
    async with turns.of("a"), turns.of("b"):
        pass


async def test_each_message_waits_for_the_pace_of_its_execution(monkeypatch):
    rests = []

    async def rest(length):
        rests.append(length)

    turns = Turns(Pace(burst=2, interval=3_600, clock=lambda: 100.0))
    monkeypatch.setattr(asyncio, "sleep", rest)
    for _ in range(4):
        async with turns.of("a"):
            pass
    assert rests == [3_600, 7_200]


async def test_what_is_no_longer_used_is_forgotten():
    turns = Turns(Pace())
    async with turns.of("a"):
        pass
    assert turns._turns == {}


async def test_a_fault_inside_frees_the_turn():
    turns = Turns(Pace())
    with pytest.raises(ZeroDivisionError):
        async with turns.of("a"):
            _ = 1 / 0
    async with turns.of("a"):
        pass
