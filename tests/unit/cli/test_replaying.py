import json

import pytest

from orchestrator.cli.exits import DENIED, ERROR, USAGE
from orchestrator.service.access import Caller, Permission, Role
from tests.cli_kit import FakeDesk, saga
from tests.event_kit import T0, stored

ROWS = {"2023-11-14": {"cents": 700}}
REVENUE = ("replay", "--to", "projection", "revenue-per-day")


@pytest.fixture
async def desk():
    made = FakeDesk()
    body = json.dumps({"order_id": "A17", "amount_cents": 700}).encode()
    reply = stored(2, type="payments.charged", kind="reply", causation_id="m1", outcome="completed", at_ms=T0)
    await made.events_kept.append([stored(1, body=body), reply, stored(3, type="unwanted")])
    return made


def test_a_projection_is_rebuilt_from_the_store_in_place_of_what_it_was(desk):
    desk.models.kept["revenue-per-day"] = {"2001-01-01": {"cents": 1}}
    found = saga(desk, *REVENUE, "--json").document
    assert found == {"projection": "revenue-per-day", "messages": 2, "up_to": 2, "rows": ROWS}
    assert desk.models.kept == {"revenue-per-day": ROWS}
    assert "rebuilt from 2 messages, up to number 2" in saga(desk, *REVENUE).out


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (("replay", "--to", "projection", "revenue"), ERROR, "take one of revenue-per-day"),
        (("replay", "--to", "participants", "revenue-per-day"), USAGE, "--to takes projection"),
        ((*REVENUE, "--projections", "sagas:SAGAS"), ERROR, "write SAGAS = (mine, ...)"),
    ],
    ids=str,
)
def test_what_cannot_be_rebuilt_is_refused_with_what_can(desk, arguments, status, told):
    ended = saga(desk, *arguments)
    assert (ended.status, told in " ".join(ended.err.split())) == (status, True), ended.err


@pytest.mark.parametrize("granted", [set(), {Permission.REPLAY}, {Permission.PAYLOAD}], ids=str)
def test_replaying_is_a_right_of_its_own_and_needs_that_to_see_payloads(desk, granted):
    desk.caller = Caller(actor="ben", role=Role.OPERATOR, granted=frozenset(granted))
    assert saga(desk, *REVENUE).status == DENIED
    assert desk.models.kept == {}
    desk.caller = Caller(actor="ben", role=Role.OPERATOR, granted=frozenset({Permission.REPLAY, Permission.PAYLOAD}))
    assert saga(desk, *REVENUE).status == 0
