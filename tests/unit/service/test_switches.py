"""Kill switches: who may, that each turn is audited, and what a process knows of them."""

import asyncio
from datetime import timedelta

import pytest

from orchestrator.errors import DeniedError, InvalidRequestError, RefusedCommandError, StoreUnavailableError
from orchestrator.service.access import Caller, Role
from orchestrator.service.switches import SwitchBoard, Switching
from tests.service_kit import ADMIN, OPERATOR, WHY, MemorySwitches, ServiceBench
from tests.trip_kit import trip


@pytest.fixture
def bench():
    return ServiceBench()


@pytest.fixture
def switches(bench):
    return MemorySwitches(register=bench.register)


@pytest.fixture
def switching(bench, switches):
    return Switching(switches, bench.register, bench.clock)


async def test_turning_it_and_turning_it_back_is_audited(bench, switching, switches) -> None:
    await switching.suspend(ADMIN, "starts", "trip", WHY)
    assert [one.name for one in await switches.all()] == ["trip"]
    await switching.resume(ADMIN, "starts", "trip", WHY)
    assert await switches.all() == ()
    assert bench.results == [("suspend starts", "accepted"), ("resume starts", "accepted")]


@pytest.mark.parametrize(
    ("caller", "kind", "reason", "error"),
    [
        (OPERATOR, "starts", WHY, DeniedError),
        (Caller(actor="x", role=Role.ADMIN, sagas=frozenset({"order"})), "starts", WHY, DeniedError),
        (Caller(actor="x", role=Role.ADMIN, sagas=frozenset({"trip"})), "commands", WHY, DeniedError),
        (ADMIN, "commands", "short", InvalidRequestError),
    ],
)
async def test_a_refused_turn_changes_nothing_and_is_audited(bench, caller, kind, reason, error) -> None:
    switches = MemorySwitches()
    with pytest.raises(error):
        await Switching(switches, bench.register, bench.clock).suspend(caller, kind, "trip", reason)
    assert (await switches.all(), bench.results) == ((), [(f"suspend {kind}", "refused")])


async def test_what_is_held_is_not_held_twice_and_what_is_not_held_cannot_go_on(switching) -> None:
    with pytest.raises(RefusedCommandError, match="is not held"):
        await switching.resume(ADMIN, "starts", "trip", WHY)
    await switching.suspend(ADMIN, "starts", "trip", WHY)
    with pytest.raises(RefusedCommandError, match="is held already"):
        await switching.suspend(ADMIN, "starts", "trip", WHY)


@pytest.mark.parametrize("typed", [("starts", "tripp", "trip"), ("commands", "bnak", "bank")])
async def test_a_name_that_nobody_knows_holds_nothing_and_says_so(bench, switching, switches, typed) -> None:
    kind, name, hint = typed
    with pytest.raises(InvalidRequestError, match=f"did you mean '{hint}'"):
        await switching.suspend(ADMIN, kind, name, WHY)
    assert (await switches.all(), bench.results) == ((), [(f"suspend {kind}", "refused")])
    await switching.suspend(ADMIN, kind, name, WHY, is_new=True)
    await switching.resume(ADMIN, kind, name, WHY)


async def test_names_of_the_sagas_of_this_process_are_known_before_anything_ran(bench, switches) -> None:
    switches.names = {"starts": frozenset(), "commands": frozenset()}
    switching = Switching(switches, bench.register, bench.clock, [trip])
    await switching.suspend(ADMIN, "starts", "trip", WHY)
    for name in trip.participants:
        await switching.suspend(ADMIN, "commands", name, WHY)
    with pytest.raises(InvalidRequestError, match="known are none"):
        await Switching(switches, bench.register, bench.clock).suspend(ADMIN, "starts", "order", WHY)


async def test_a_board_knows_why_and_keeps_it_while_the_store_is_away(switching, switches) -> None:
    await switching.suspend(ADMIN, "commands", "inventory", WHY)
    async with SwitchBoard(switches, timedelta(hours=1)) as board:
        assert board.why_held("commands", "inventory") == f"commands of 'inventory' are held by ann: {WHY}"
        assert board.why_held("starts", "inventory") == ""
        switches.away = True
        await board.refresh()
        assert board.why_held("commands", "inventory")
        switches.away = False
        await switching.resume(ADMIN, "commands", "inventory", WHY)
        await board.refresh()
        assert board.why_held("commands", "inventory") == ""


async def test_a_store_that_is_away_raises_when_it_is_turned(bench, switching, switches) -> None:
    switches.away = True
    with pytest.raises(StoreUnavailableError):
        await switching.suspend(ADMIN, "starts", "trip", WHY)
    assert bench.results == [], "nothing was turned, and nothing says so"


async def test_a_board_that_cannot_read_once_reads_again(switching, switches) -> None:
    async with SwitchBoard(switches, timedelta(milliseconds=1)) as board:
        read, tried = switches.all, asyncio.Event()

        async def broken():
            tried.set()
            raise ValueError("a key that is not known here")

        switches.all = broken
        async with asyncio.timeout(5):
            await tried.wait()
        switches.all = read
        await switching.suspend(ADMIN, "starts", "trip", WHY)
        async with asyncio.timeout(5):
            while not board.why_held("starts", "trip"):
                await asyncio.sleep(0.001)
