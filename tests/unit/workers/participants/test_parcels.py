import pytest

from orchestrator.adapters.sql.databases import open_engine
from orchestrator.adapters.sql.inbox import SqlStore
from orchestrator.errors import Rejected
from workers.participants import books
from workers.participants.parcels import BookedBench, BookedPrinter


@pytest.fixture
async def store(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/books.db")
    store = SqlStore(engine, "parcels", books.tables)
    await store.prepare()
    store.effects = lambda: books.read_run(engine, "r")  # type: ignore[attr-defined]
    yield store
    await engine.dispose()


async def test_a_label_is_printed_and_voided_once(store) -> None:
    printer = BookedPrinter(store, "label")
    assert await printer.print("r-1", "k") == await printer.print("r-1", "k") == "label-r-1"
    await printer.void("r-1", "k")
    await printer.void("r-1", "k")
    assert [(effect.what, effect.direction) for effect in await store.effects()] == [("label", "do"), ("label", "undo")]


async def test_a_parcel_that_was_unpacked_first_is_never_packed(store) -> None:
    bench = BookedBench(store, "parcel")
    await bench.unpack("r-1", "k")
    with pytest.raises(Rejected, match="undone before") as refusal:
        await bench.pack("r-1", "k")
    assert refusal.value.code == "undone"
    assert await store.effects() == []
