"""What a world sees at its end: a copy in the hands of a consumer, which no queue shows, and an effect that came late."""

from collections import Counter

import pytest

from orchestrator.adapters.rabbitmq.connection import connected
from orchestrator.adapters.sql.databases import open_engine
from tests.faults.kit import world
from workers.participants import books

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]
STEPS = ("s1", "s2", "s3")


async def test_a_copy_that_a_consumer_holds_while_the_books_are_read_is_found_when_it_is_gone(tmp_path) -> None:
    with pytest.raises(AssertionError, match="consumers held copies"):
        async with world(tmp_path) as place:
            async with place.serving():  # makes the books
                await place.ask("chain")
            async with (
                connected(place.corner.settings, purpose="holder") as connection,
                connection.channel() as channel,
            ):
                queue = await channel.get_queue(place.corner.names.ingress, ensure=False)
                assert await queue.get() is not None
                await place.balance([], Counter(), STEPS)  # no queue shows it


async def test_an_effect_that_comes_after_the_books_were_read_is_found(tmp_path) -> None:
    with pytest.raises(AssertionError, match="changed since they were read"):
        async with world(tmp_path) as place:
            async with place.serving():
                await place.balance([], Counter(), STEPS)
            engine = open_engine(place.url)
            async with engine.begin() as connection:
                await books.enter(connection, books.Effect(f"{place.run}-1", "s1", "key", "do", 1))
            await engine.dispose()
