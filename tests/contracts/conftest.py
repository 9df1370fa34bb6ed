"""Databases with all tables, made once for each file of tests: making them takes longer than a test."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from orchestrator.adapters.sql.databases import writing_to
from orchestrator.adapters.sql.migrating import migrate
from tests.sql_kit import fresh_database, sqlite_url


@pytest.fixture(scope="module")
def apart():
    """Runs coroutines in a loop of its own, beside that of the test."""
    with ThreadPoolExecutor(1) as thread:
        runner = thread.submit(asyncio.Runner).result()
        yield lambda work: thread.submit(runner.run, work).result()
        thread.submit(runner.close).result()


@pytest.fixture(scope="module")
def template(apart, tmp_path_factory):
    """A database file with all tables, to be copied."""
    folder = tmp_path_factory.mktemp("template")
    apart(make_tables(sqlite_url(folder)))
    return folder / "things.db"


@pytest.fixture(scope="module")
def postgres_url(apart, postgres):
    """A database with all tables; who takes it empties it before each test."""
    database = fresh_database(postgres)
    url = apart(database.__aenter__())
    apart(make_tables(url))
    yield url
    apart(database.__aexit__(None, None, None))


async def make_tables(url):
    async with writing_to(url) as engine:
        await migrate(engine)
