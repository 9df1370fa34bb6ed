"""A request that comes twice under one key is carried out once."""

from datetime import timedelta

import pytest

from orchestrator.errors import InvalidRequestError, KeyInUseError, KeyReusedError, RefusedCommandError
from orchestrator.service.once import GRACE, KEEP, Answer, Once
from tests.access_kit import MemoryAnswers
from tests.service_kit import ManualClock

ANSWER = Answer(status=202, body=b"done")


class Bench:
    def __init__(self) -> None:
        self.clock, self.calls = ManualClock(), 0
        self.once = Once(MemoryAnswers(), self.clock)

    async def work(self) -> Answer:
        self.calls += 1
        return ANSWER

    async def ask(self, request="r1", work=None, key="k") -> Answer:
        return await self.once.perform("ann", key, request, work or self.work)


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_the_second_time_the_answer_is_given_again(bench) -> None:
    assert await bench.ask() == await bench.ask() == ANSWER
    assert bench.calls == 1


async def test_another_request_under_the_same_key_is_refused(bench) -> None:
    await bench.ask()
    with pytest.raises(KeyReusedError, match="take a new key"):
        await bench.ask("r2")
    assert bench.calls == 1


async def test_while_it_is_under_way_the_same_request_is_told_so(bench) -> None:
    async def again():
        with pytest.raises(KeyInUseError, match="under way"):
            await bench.ask()
        return ANSWER

    await bench.ask(work=again)
    assert bench.calls == 0


async def test_a_refusal_leaves_the_key_free(bench) -> None:
    async def refused():
        raise RefusedCommandError("skip", "not now")

    with pytest.raises(RefusedCommandError):
        await bench.ask(work=refused)
    assert await bench.ask("r2") == ANSWER


async def test_a_key_whose_holder_was_killed_is_taken_over_after_a_while(bench) -> None:
    async def killed():
        bench.once._answers.give_back = nothing
        raise RefusedCommandError("skip", "killed here")

    async def nothing(*_):
        del bench.once._answers.give_back

    with pytest.raises(RefusedCommandError):
        await bench.ask(work=killed)
    with pytest.raises(KeyInUseError):
        await bench.ask()
    await bench.clock.sleep(GRACE + timedelta(seconds=1))
    assert await bench.ask() == ANSWER


async def test_an_answer_is_forgotten_after_a_day(bench) -> None:
    await bench.ask()
    await bench.clock.sleep(KEEP + timedelta(seconds=1))
    assert await bench.ask("r2") == ANSWER
    assert bench.calls == 2


@pytest.mark.parametrize("key", ["", "k" * 201])
async def test_a_key_has_a_length(bench, key) -> None:
    with pytest.raises(InvalidRequestError, match="1 to 200"):
        await bench.ask(key=key)
