"""That Temporal is away is said in time."""

import asyncio
from datetime import timedelta

import pytest

from orchestrator.adapters.temporal.connecting import connect_later
from orchestrator.adapters.temporal.gateway import TemporalExecutions
from orchestrator.adapters.temporal.live import TemporalLive
from orchestrator.adapters.temporal.reaching import ReachedExecutions, ReachedLive, in_time
from orchestrator.errors import EngineUnavailableError
from tests.temporal_kit import settings
from tests.trip_kit import command

NOBODY = settings(temporal_address="127.0.0.1:1")


async def test_a_client_that_connects_later_says_with_every_call_that_nobody_is_there() -> None:
    client = await connect_later(NOBODY)
    live, executions = ReachedLive(TemporalLive(client, NOBODY)), ReachedExecutions(TemporalExecutions(client, NOBODY))
    for _ in range(2):
        with pytest.raises(EngineUnavailableError, match="SAGA_TEMPORAL_ADDRESS"):
            await live.look("trip:t1")
        with pytest.raises(EngineUnavailableError):
            await live.command("trip:t1", command("CancelRequested"))
        assert not await executions.is_available()


async def test_an_answer_that_does_not_come_is_not_waited_for() -> None:
    with pytest.raises(EngineUnavailableError, match="did not answer within"):
        async with in_time(timedelta(milliseconds=1)):
            await asyncio.Event().wait()


async def test_other_faults_are_told_as_they_are() -> None:
    with pytest.raises(RuntimeError, match="something else"):
        async with in_time():
            raise RuntimeError("something else")
