"""Fixtures that all tests share."""

import fcntl
from collections.abc import AsyncIterator, Iterator
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


@pytest.fixture(scope="module")
def demo_turn(environment: Environment) -> Iterator[None]:
    """Demos have names that are there once: files of tests that run one take turns, whichever process runs them."""
    with (PROJECT / ".local" / "demo-tests.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
