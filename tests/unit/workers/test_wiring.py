"""What a command line names is held to what it must be, in words."""

from contextlib import asynccontextmanager, contextmanager

import pytest

from orchestrator.errors import OrchestratorError
from tests.temporal_kit import settings
from workers.participants import payments
from workers.wiring import load_participant, load_ports

HERE = __name__


class Printer: ...


@asynccontextmanager
async def good(_settings):
    yield {Printer: Printer()}


@asynccontextmanager
async def by_name(_settings):
    yield {"printer": Printer()}


@asynccontextmanager
async def a_list(_settings):
    yield [Printer]


@contextmanager
def not_asynchronous(_settings):
    yield {}


def without_settings(): ...


NO_FUNCTION = ()


@pytest.fixture(autouse=True)
def this_module_can_be_named(monkeypatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "shop_ports", sys.modules[HERE])


def test_a_participant_is_found() -> None:
    assert load_participant("workers.participants.payments:participant") is payments.participant


def test_something_else_is_no_participant() -> None:
    with pytest.raises(OrchestratorError, match="sagas:SAGAS is a tuple: name a Participant"):
        load_participant("sagas:SAGAS")


async def test_ports_are_opened() -> None:
    async with load_ports("shop_ports:good")(settings()) as given:
        assert list(given) == [Printer]


@pytest.mark.parametrize(
    ("name", "told"),
    [("NO_FUNCTION", "is a tuple"), ("without_settings", "cannot be called with the settings")],
)
def test_what_cannot_open_ports_is_told_before_anything_starts(name, told) -> None:
    with pytest.raises(OrchestratorError, match=f"shop_ports:{name} {told}.*--ports names a function"):
        load_ports(f"shop_ports:{name}")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("not_asynchronous", "gives a _GeneratorContextManager"),
        ("by_name", "opens a dict, not a mapping type -> object"),
        ("a_list", "opens a list, not a mapping type -> object"),
    ],
)
async def test_what_gives_no_ports_is_told(name, told) -> None:
    opened = load_ports(f"shop_ports:{name}")
    with pytest.raises(OrchestratorError, match=f"shop_ports:{name} {told}.*--ports names a function"):
        async with opened(settings()):
            pass
