"""What the sagas of this repository ask for by `ctx.get(...)`: a label printer and a packing bench that keep books."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from orchestrator.adapters.sql.databases import make_folder, writing_to
from orchestrator.adapters.sql.inbox import SqlStore
from sagas.order_fulfilment.ports import LabelPrinter, PackingBench
from workers.participants import books
from workers.participants.parcels import BookedBench, BookedPrinter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from orchestrator.settings import Settings


@asynccontextmanager
async def demo_ports(settings: Settings) -> AsyncGenerator[Mapping[type, Any]]:
    """The ports while the block runs; their books lie in the settings' database."""
    url = settings.database_url.get_secret_value()
    make_folder(url)
    async with writing_to(url) as engine:
        store = SqlStore(engine, "parcels", books.tables)
        await store.prepare()
        yield {LabelPrinter: BookedPrinter(store, "label"), PackingBench: BookedBench(store, "parcel")}
