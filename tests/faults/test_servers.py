"""Rows of the fault matrix: servers killed, stopped and started again under load, and a full disk."""

import asyncio
import errno
import sqlite3
import subprocess
from contextlib import asynccontextmanager, contextmanager

import pytest

from orchestrator.adapters.rabbitmq.publisher import Publisher
from tests.conftest import PROJECT
from tests.faults.kit import QUIET, Cost, world
from tests.faults.proxy import proxy
from tests.faults.servers import kill_server, start_server, stop_server

pytestmark = [
    pytest.mark.servers,
    pytest.mark.faults,
    pytest.mark.usefixtures("environment"),
    pytest.mark.timeout(400),
    QUIET,
]
WAITS = "waits for its store"


async def test_4_temporal_is_killed_under_load_and_no_saga_is_lost(tmp_path) -> None:
    async with world(tmp_path) as place, place.working(), place.serving():
        place.always("c3.do.before", "refuse 5")
        async with place.load("chain", "trade") as asked:
            kill_server(PROJECT, "temporal")
            under_way = place.open
            assert under_way
            await start_server(PROJECT, "temporal")
            with Cost(f"Temporal killed with {len(under_way)} sagas under way: all ended after it was back", 30):
                await place.words(under_way)
        await place.all_balance(asked)


@asynccontextmanager
async def open_two(settings):
    """Two publishers: one sends no more than a hundred before the first of them is confirmed."""
    async with Publisher.open(settings) as one, Publisher.open(settings) as other:
        yield one, other


@pytest.mark.parametrize("how", ["7 stopped", "8 killed"])
async def test_rabbitmq_goes_away_under_load_with_200_publishes_in_flight_and_nothing_is_lost(tmp_path, how) -> None:
    async with world(tmp_path) as place, place.working() as running, place.serving():
        place.always("c3.do.before", "refuse 5")
        async with (
            proxy("127.0.0.1", place.broker_port) as way,
            place.load("chain", "trade") as asked,
            open_two(place.corner.settings.model_copy(update={"rabbitmq_url": place.broker_by(way)})) as publishers,
        ):
            way.holes = {"down"}  # what is sent from now on is stored, and not known to be
            publishing = [
                asyncio.create_task(place.ask_by(publishers[one % 2], "chain", 10_000 + one)) for one in range(200)
            ]
            while way.swallowed == 0:
                await asyncio.sleep(0.01)
            if how == "8 killed":
                kill_server(PROJECT, "rabbitmq")
            else:
                await stop_server(PROJECT, "rabbitmq")
            assert not any(one.done() for one in publishing)
            under_way = place.open
            assert under_way
            way.heal()
            await start_server(PROJECT, "rabbitmq")
            with Cost(f"RabbitMQ {how[2:]}, {len(under_way)} sagas under way: all ended after it was back") as cost:
                burst = await asyncio.gather(*publishing)
                await place.words(under_way)
                cost.what += f", {place.republished} publishes repeated"
        assert place.republished >= len(publishing)
        await place.all_balance({**asked, "chain": [*asked["chain"], *burst]})
        assert await running.is_ready()


async def test_5_the_participants_postgresql_is_killed_under_load(tmp_path, postgres_database, caplog) -> None:
    async with world(tmp_path) as place, place.working(), place.serving(postgres_database):
        place.always("c3.do.before", "refuse 5")
        async with place.load("trade") as asked:
            kill_server(PROJECT, "postgres")
            while WAITS not in caplog.text:
                await asyncio.sleep(0.05)
            under_way = place.open
            await start_server(PROJECT, "postgres")
            with Cost(f"PostgreSQL killed with {len(under_way)} sagas under way: all ended after it was back", 10):
                await place.words(under_way)
        await place.all_balance(asked, url=postgres_database)


async def test_6_the_participants_postgresql_is_restarted_again_and_again(tmp_path, postgres_database, caplog) -> None:
    async with world(tmp_path) as place, place.working(), place.serving(postgres_database):
        place.always("c3.do.before", "refuse 5")
        async with place.load("trade") as asked:
            for number in range(3):
                caplog.clear()
                await stop_server(PROJECT, "postgres")
                while WAITS not in caplog.text:
                    await asyncio.sleep(0.05)
                under_way = place.open
                assert under_way
                await start_server(PROJECT, "postgres")
                with Cost(f"PostgreSQL restarted, {number + 1} of 3: what was under way ended after", 10):
                    await place.words(under_way)
        await place.all_balance(asked, url=postgres_database)


@contextmanager
def small_disk(folder, mebibytes):
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(folder)]
    made = subprocess.run(mount, capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip(f"needs a small disk, which root may mount where that is allowed: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder):
    """Write until nothing more fits."""
    with (folder / "filler").open("wb", buffering=0) as file, pytest.raises(OSError) as full:
        while True:
            file.write(bytes(4096))
    assert full.value.errno == errno.ENOSPC


async def test_17_the_disk_of_books_and_ledger_is_full_and_all_goes_on_when_there_is_room(tmp_path, caplog) -> None:
    with small_disk(tmp_path / "disk", 8) as disk:
        url = f"sqlite:///{disk}/books.db"
        async with world(tmp_path, url) as place, place.working(), place.serving():
            place.always("c3.do.before", "refuse 5")
            async with place.load("trade") as asked:
                fill(disk)
                while "full" not in caplog.text:
                    await asyncio.sleep(0.05)
                while WAITS not in caplog.text:
                    await asyncio.sleep(0.05)
                under_way = place.open
                (disk / "filler").unlink()
                with Cost("the disk was full: what was under way ended after there was room"):
                    await place.words(under_way)
            await place.all_balance(asked, url=url)
            with sqlite3.connect(disk / "books.db") as books:
                assert books.execute("PRAGMA integrity_check").fetchone() == ("ok",)
