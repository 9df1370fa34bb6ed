"""Fixtures that all tests share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import settings
from rich.console import Console

from deploy.local import Environment, up, up_postgres
from tests.sql_kit import fresh_database

PROJECT = Path(__file__).resolve().parents[1]
# No test asserts how long something takes: machines that build are busy.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """By `--dist loadgroup` the tests of one file run in one process: they share what they start.

    Files that say so by a mark `xdist_group` share something that is there once, as the names of the demo.
    """
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(str(item.path.relative_to(PROJECT))))


@pytest.fixture(scope="session")
def environment() -> Environment:
    """The two local servers, started if they do not run."""
    return up(PROJECT, Console(stderr=True))


@pytest.fixture(scope="session")
def postgres() -> str:
    """The address of a local PostgreSQL, started if it does not run; its user may make databases."""
    return up_postgres(PROJECT, Console(stderr=True))


@pytest.fixture
async def postgres_database(postgres) -> AsyncIterator[str]:
    """The address of an empty database of the test's own on that server."""
    async with fresh_database(postgres) as address:
        yield address
