import json
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.cli.exits import CONFLICT, DENIED, DIFFERS, ERROR, PARTIAL, USAGE
from orchestrator.service.access import Caller, Permission, Role
from orchestrator.service.rehearsing import Rehearsed
from tests.cli_kit import FakeDesk, saga
from tests.event_kit import T0, stored
from tests.rerun_kit import compared
from tests.unit.service.test_differing import CHARGE, COMPLETED, HOLD, WEIGH, a_saga

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
        (("replay",), USAGE, "take one of --to projection NAME"),
        (("replay", "--send", "type=a", "--to", "projection"), USAGE, "take one of"),
        (("replay", "--send", "strange=1", "--dry-run"), USAGE, "takes field=value"),
        (("replay", "--rehearse", "a:1", "--from-stream"), USAGE, "--from-stream goes with --to projection"),
        (("replay", "--to", "projection", "messages", "--from-stream"), USAGE, "--from-stream goes with"),
        (("replay", "--send", "type"), USAGE, "takes field=value"),
        (("replay", "--send", "source=a", "--send", "source=b"), USAGE, "takes one source"),
        (("replay", "--send", "since=soon", "--dry-run"), USAGE, "is no time"),
        (("replay", "--send", "type=a", "--confirm", "1"), USAGE, "look by --dry-run first"),
        (("replay", "--send", "type=a", "--reason", "because so"), USAGE, "look by --dry-run first"),
        ((*REVENUE, "--rehearse", "a:1"), USAGE, "take one of"),
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


class RehearsingDesk(FakeDesk):
    """A desk at which every execution is one that completed, and today's saga another."""

    today = COMPLETED.saga
    messages: Any = COMPLETED.messages

    @asynccontextmanager
    async def rehearsing(self, sagas):
        async def rehearse(caller, execution_id):
            found = compared(COMPLETED, self.today, messages=self.messages)
            return Rehearsed(
                execution_id=execution_id, then=COMPLETED.saga.plan, today=self.today.plan, comparison=found
            )

        yield SimpleNamespace(rehearse=rehearse)


def test_a_rehearsed_execution_says_by_its_status_whether_today_differs():
    desk = RehearsingDesk()
    same = saga(desk, "replay", "--rehearse", "rerun:A17", "--json")
    assert (same.status, same.document["verdict"], same.document["first_divergence"]) == (0, "same", None)
    desk.today = a_saga(CHARGE, HOLD)
    differs = saga(desk, "replay", "--rehearse", "rerun:A17", "--json")
    assert (differs.status, differs.document["verdict"]) == (DIFFERS, "differs")
    assert differs.document["first_divergence"] == "at 1: hold do 1 then, charge do 1 today"
    assert [one["today"]["place"] for one in differs.document["attempts"]] == [2, 1]
    assert differs.document["attempts"][0]["then"]["input"]["value"] == {"order_id": "A17", "cents": 700}
    desk.today, desk.messages = COMPLETED.saga, ()
    unknown = saga(desk, "replay", "--rehearse", "rerun:A17", "--json")
    assert (unknown.status, unknown.document["verdict"]) == (PARTIAL, "unknown")


def test_a_rehearsed_execution_is_shown_attempt_by_attempt():
    desk = RehearsingDesk()
    desk.today = a_saga(HOLD, WEIGH, CHARGE)
    shown = saga(desk, "replay", "--rehearse", "rerun:A17")
    assert shown.status == DIFFERS
    lines = [" ".join(line.split()) for line in shown.out.splitlines()]
    assert "1 1 hold do 1 ok ok" in lines
    assert "2 charge do 1 ok not begun today" in lines
    assert "2 weigh do 1 open not begun then" in lines
    assert "status: Completed then, Running today" in lines
    assert "not known: answer of weigh do 1: none was recorded, so it stays open" in lines
    assert "today's definition would go another way: at 2: charge do 1 then, weigh do 1 today" in lines


OF_SHOP = ("replay", "--send", "source=/shop", "--send", "type=order.placed", "--send", "type=order.paid")
WHY = ("--reason", "analytics lost a day")


@pytest.fixture
async def sending():
    made = FakeDesk()
    given = {"kind": "event", "way": "in", "execution_id": ""}
    events = [stored(1, type="order.placed", **given), stored(2, type="order.paid", **given)]
    await made.events_kept.append([*events, stored(3, type="order.placed"), stored(4, type="order.gone", **given)])
    return made


def test_a_dry_run_tells_the_count_that_must_be_given_back(sending):
    shown = saga(sending, *OF_SHOP, "--dry-run")
    lines = [" ".join(line.split()) for line in shown.out.splitlines()]
    assert "1 order.placed" in lines
    assert "left out: 1, commands and replies are never sent again" in lines
    assert "2 events would be sent; to send: --confirm 2 --reason TEXT" in lines
    assert "no participant hears of it" in shown.out
    warned = saga(sending, *OF_SHOP, "--dry-run", "--reach-participants")
    assert "commands reach participants" in warned.out
    found = saga(sending, *OF_SHOP, "--dry-run", "--json").document
    assert (found["count"], found["types"]) == (2, {"order.paid": 1, "order.placed": 1})
    assert sending.sender.sent == []


def test_what_was_shown_is_sent_and_anything_else_is_a_conflict(sending):
    assert saga(sending, *OF_SHOP, "--confirm", "3", *WHY).status == CONFLICT
    assert sending.sender.sent == []
    assert saga(sending, *OF_SHOP, "--confirm", "2", *WHY).out == "2 events sent again\n"
    assert [(of, reaches) for of, _, reaches in sending.sender.sent] == [("m1", False), ("m2", False)]
    told = saga(sending, *OF_SHOP, "--confirm", "2", *WHY, "--reach-participants", "--json").document
    assert told == {"sent": 2, "reaches_participants": True}


def test_times_choose_what_was_recorded_then(sending):
    found = saga(sending, "replay", "--send", "since=2023-11-14T22:13:20.002", "--dry-run", "--json").document
    assert found["types"] == {"order.paid": 1, "order.gone": 1}


def test_sending_needs_its_own_right(sending):
    sending.caller = Caller(actor="ben", role=Role.OPERATOR, granted=frozenset({Permission.PAYLOAD}))
    assert saga(sending, *OF_SHOP, "--dry-run").status == DENIED


def test_the_ledgers_own_messages_are_a_projection(desk):
    shown = saga(desk, "replay", "--to", "projection", "messages")
    assert shown.out == "messages: rebuilt, 21 messages of 3 executions\n"
    desk.caller = Caller(actor="ben", role=Role.ADMIN, sagas=frozenset({"shop"}))
    found = saga(desk, "replay", "--to", "projection", "messages", "--json").document
    assert found == {"projection": "messages", "executions": 3, "messages": 21}
    assert desk.noted.asked == [None, {"shop"}]


@pytest.mark.parametrize("granted", [set(), {Permission.REPLAY}, {Permission.PAYLOAD}], ids=str)
def test_the_ledgers_own_messages_need_the_rights_of_any_projection(desk, granted):
    desk.caller = Caller(actor="ben", role=Role.OPERATOR, granted=frozenset(granted))
    assert saga(desk, "replay", "--to", "projection", "messages").status == DENIED
    assert desk.noted.asked == []


@pytest.fixture
async def streaming(desk):
    body = json.dumps({"order_id": "A18", "amount_cents": 11}).encode()
    reply = stored(9, type="payments.charged", kind="reply", causation_id="m8", outcome="completed", at_ms=T0)
    await desk.streamed.append([stored(8, body=body), reply])
    return desk


def test_a_projection_is_made_from_the_stream_too(streaming):
    found = saga(streaming, *REVENUE, "--from-stream", "--json").document
    assert found["rows"] == {"2023-11-14": {"cents": 11}}
    assert streaming.models.kept == {"revenue-per-day": found["rows"]}
