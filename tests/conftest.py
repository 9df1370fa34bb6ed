"""Fixtures that all tests share."""

from pathlib import Path

import pytest
from rich.console import Console

from deploy.local import Environment, up

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def environment() -> Environment:
    """The two local servers, started if they do not run."""
    return up(PROJECT, Console(stderr=True))
