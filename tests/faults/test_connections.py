"""Every way to break the connection to each server, under load: cut, half-closed, swallowed, slow."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.faults.kit import QUIET, Cost, through, world
from tests.faults.proxy import Proxy, proxy

pytestmark = [
    pytest.mark.servers,
    pytest.mark.faults,
    pytest.mark.usefixtures("environment"),
    pytest.mark.timeout(400),
    QUIET,
]


def swallow(way: Proxy) -> None:
    way.holes = {"up", "down"}


def slow(way: Proxy) -> None:
    way.delay, way.slice = 0.02, 1024


BREAKS = {
    "cut": (Proxy.cut, "cuts", 1),
    "half-closed": (Proxy.half_close, "halved", 1),
    "swallowed": (swallow, "swallowed", 1),
    "slow": (slow, "held", 200),
}
"""How it is broken, what of the proxy proves it, and how much of that at least."""


@pytest.mark.parametrize("server", ["broker", "engine", "store"])
async def test_a_connection_is_broken_in_every_way_under_load_and_no_saga_is_lost(
    tmp_path, postgres_database, server
) -> None:
    async with world(tmp_path) as place, AsyncExitStack() as stack:
        url: str = postgres_database
        changed: dict[str, Any] = {}
        if server == "store":
            way = await stack.enter_async_context(proxy("127.0.0.1", urlsplit(url).port or 0))
            url = through(url, way)
        else:
            way, changed = await stack.enter_async_context(place.before(server))
        await stack.enter_async_context(place.working(**changed))
        await stack.enter_async_context(place.serving(url, **changed))
        place.always("c3.do.before", "refuse 5")
        async with place.load("trade") as asked:
            for name, (break_it, proof, least) in BREAKS.items():
                before = getattr(way, proof)
                break_it(way)
                while getattr(way, proof) < before + least:
                    await asyncio.sleep(0.01)
                under_way = place.open
                way.heal()
                with Cost(f"connection to the {server} {name}, {len(under_way)} sagas under way: ended after", 10):
                    await place.words(under_way)
                await place.begun(20)
        await place.all_balance(asked, url=postgres_database)
