import asyncio
from datetime import timedelta

import pytest

from orchestrator.adapters.rabbitmq.turns import Turns


async def test_messages_of_one_execution_go_one_after_the_other_in_order():
    turns, seen, inside = Turns(spacing=timedelta(0)), [], 0

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
    turns = Turns(spacing=timedelta(hours=1))
    async with turns.of("a"), turns.of("b"):
        pass


async def test_between_two_messages_of_one_execution_there_is_a_pause():
    turns, loop = Turns(spacing=timedelta(milliseconds=50)), asyncio.get_running_loop()
    async with turns.of("a"):
        pass
    left = loop.time()
    async with turns.of("a"):
        assert loop.time() - left >= 0.049


async def test_what_is_no_longer_used_is_forgotten():
    turns = Turns(spacing=timedelta(0))
    async with turns.of("a"):
        pass
    await asyncio.sleep(0.01)
    assert turns._turns == {}


async def test_a_fault_inside_frees_the_turn():
    turns = Turns(spacing=timedelta(0))
    with pytest.raises(ZeroDivisionError):
        async with turns.of("a"):
            _ = 1 / 0
    async with turns.of("a"):
        pass
