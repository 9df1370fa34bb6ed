"""What a line of the log is about."""

import asyncio
import contextvars

import pytest

from orchestrator.service.about import about, ids, now_about


def test_what_is_not_known_is_left_out() -> None:
    assert ids("") == {}
    assert ids("shop:1", step="pay", attempt=2) == {
        "saga": "shop",
        "execution_id": "shop:1",
        "step": "pay",
        "attempt": 2,
    }


async def test_each_task_has_its_own_in_hand_and_nothing_is_left_behind() -> None:
    async def work(name):
        with about(name, "thread"):
            await asyncio.sleep(0)
            return now_about()["execution_id"]

    assert list(await asyncio.gather(work("shop:1"), work("shop:2"))) == ["shop:1", "shop:2"]
    assert now_about() == {}


async def test_a_task_that_is_dropped_leaves_the_context_alone_in_which_it_is_collected() -> None:
    async def work() -> None:
        with about("shop:1"):
            await asyncio.sleep(60)

    dropped = work()
    contextvars.copy_context().run(dropped.send, None)
    with about("shop:2"):
        dropped.close()
        assert now_about()["execution_id"] == "shop:2"


def test_what_raises_leaves_nothing_behind() -> None:
    with pytest.raises(ValueError, match="wrong"), about("shop:1"):
        raise ValueError("wrong")
    assert now_about() == {}
