"""What may be done with parked messages, for whom, and why not: as the use cases will decide."""

from dataclasses import replace
from typing import get_args

import pytest

from orchestrator.service.access import Caller, Permission, Role
from orchestrator.service.parked_actions import FROM_TO, Deed
from orchestrator.service.parked_offering import offered, offered_for_all
from orchestrator.service.parked_records import Origin, ParkedState
from tests.parked_kit import T0, MemoryParked, arrival

ANN = Caller(actor="ann", role=Role.ADMIN)
VIC = Caller(actor="vic", role=Role.VIEWER, granted=frozenset({Permission.PARKED_DISCARD}))


async def parked(number: int = 1, **changes):
    made = MemoryParked()
    one = arrival(number, **changes)
    await made.record(one, T0)
    message, group = await made.find(one.id), await made.group(one.fingerprint)
    assert message
    assert group
    return message, group


@pytest.mark.parametrize("state", get_args(ParkedState))
async def test_a_message_may_be_given_what_its_state_takes(state) -> None:
    message, _ = await parked()
    found = offered(ANN, replace(message, state=state))
    assert {deed for deed, why in found.items() if not why} == {
        deed for deed, (of, _) in FROM_TO.items() if of == state
    }
    assert all(why == f"not for a message that is {state}" for why in found.values() if why)


async def test_a_right_that_is_missing_comes_first() -> None:
    message, group = await parked()
    for found in (offered(VIC, message), offered_for_all(VIC, group)):
        assert found["redrive"] == "it needs the permission parked:redrive"
        assert found["edit"] == "it needs the permission parked:edit"
        assert not found["discard"]


async def test_what_nobody_knows_the_origin_of_goes_nowhere() -> None:
    message, group = await parked()
    assert "nobody says" in offered(ANN, replace(message, origin=Origin()))["redrive"]
    assert "nobody says" in offered_for_all(ANN, replace(group, queue=""))["redrive"]


@pytest.mark.parametrize(
    ("waiting", "total", "free"),
    [(2, 2, {"redrive", "discard"}), (1, 2, {"redrive", "discard", "restore"}), (0, 2, {"restore"})],
)
async def test_a_group_may_be_given_what_some_of_it_takes(waiting, total, free) -> None:
    _, group = await parked()
    found = offered_for_all(ANN, replace(group, waiting=waiting, total=total))
    named: set[Deed] = {deed for deed, why in found.items() if not why}
    assert named == free
