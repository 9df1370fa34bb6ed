"""The console's app, as its process opens it."""

import asyncio
from typing import Any

import pytest
from pydantic import SecretStr

from orchestrator.adapters.sql.migrating import migrate_at
from orchestrator.console.api.lasting import outlasting
from orchestrator.service.access import Caller, Role
from orchestrator.service.records import Filter
from orchestrator.settings import Settings
from tests.sql_kit import sqlite_url
from workers.console import open_app

LOCAL = Caller(actor="ann", role=Role.VIEWER)


async def test_the_ledger_stays_until_what_streams_asked_of_it_has_ended(tmp_path) -> None:
    given: dict[str, Any] = {"ledger_url": SecretStr(sqlite_url(tmp_path)), "temporal_address": "127.0.0.1:1"}
    settings = Settings(**given)
    await migrate_at(settings.ledger)
    may_end, seen = asyncio.Event(), list[int]()

    async with open_app((), settings) as (app, _):
        reading = app.state.console.service.reading

        async def look() -> None:
            await may_end.wait()
            seen.append((await reading.count(LOCAL, Filter())).number)

        asker = asyncio.create_task(outlasting(look()))
        await asyncio.sleep(0)
        asker.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asker
        asyncio.get_running_loop().call_later(0.05, may_end.set)
    assert seen == [0]
