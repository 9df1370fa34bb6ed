"""Parked messages by command line: found, looked at, edited, sent back, put aside; what a script can tell apart."""

import asyncio

import pytest

from orchestrator.cli.exits import CONFLICT, DENIED, ERROR, NOT_FOUND, OK, TIMEOUT, USAGE
from orchestrator.errors import MalformedMessageError, PublishUnknownError
from orchestrator.service.access import Caller, Role
from tests.cli_kit import FakeDesk, caller_of, saga
from tests.parked_kit import T0, again, arrival

WHY = ("--reason", "mended by hand")


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


def park(desk, *numbers) -> list[str]:
    async def record() -> list[str]:
        found = [arrival(number) for number in numbers]
        for one in found:
            await desk.bench.parking.record(one, T0 + 5_000)
        await desk.bench.parking.mark_recorded(T0 + 5_000)
        return [one.id for one in found]

    return asyncio.run(record())


def group(desk) -> str:
    (found,) = saga(desk, "parked", "--json").document["items"]
    return str(found["fingerprint"])


def test_groups_are_listed_with_what_waits(desk) -> None:
    park(desk, 1, 2)
    document = saga(desk, "parked", "--json").document
    (found,) = document["items"]
    assert (found["reason"], found["type"], found["waiting"], found["last_number"]) == (
        "wrong-schema",
        "order.placed",
        2,
        2,
    )
    assert (document["waiting"], document["recorded"]) == (2, "2023-11-14T22:13:25Z")
    told = saga(desk, "parked").out
    assert "wrong-schema" in told
    assert found["fingerprint"] in told


def test_an_empty_list_says_whether_anybody_records(desk) -> None:
    assert "saga recorder" in saga(desk, "parked").out
    park(desk, 1)
    assert saga(desk, "discard", group(desk), *WHY).status == OK
    assert "nothing waits" in saga(desk, "parked").out
    assert len(saga(desk, "parked", "--all", "--json").document["items"]) == 1


def test_a_group_lists_its_messages_and_pages_go_on(desk) -> None:
    first, second = park(desk, 1, 2)
    page = saga(desk, "parked", group(desk), "--limit", "1", "--json").document
    assert [one["id"] for one in page["items"]] == [second]
    rest = saga(desk, "parked", group(desk), "--cursor", page["next_cursor"], "--json").document
    assert ([one["id"] for one in rest["items"]], rest["next_cursor"]) == ([first], None)
    assert f"--cursor {page['next_cursor']}\n" in saga(desk, "parked", group(desk), "--limit", "1", columns=20).out
    assert saga(desk, "parked", group(desk), "--cursor", "nonsense").status == USAGE


def test_one_message_is_shown_whole(desk) -> None:
    (name,) = park(desk, 1)
    document = saga(desk, "parked", name, "--json").document
    assert (document["state"], document["original"]["body"], document["edited"]) == ("parked", '{"order_id": 1}', None)
    told = saga(desk, "parked", name).out
    assert '{"order_id": 1}' in told
    assert "order_id 1 is no text" in told


def test_what_is_neither_message_nor_group_is_not_found(desk) -> None:
    for command in (("parked", "x"), ("redrive", "x", *WHY), ("edit", "x", "--header", "a=b", *WHY)):
        ended = saga(desk, *command)
        assert (ended.status, ended.out) == (NOT_FOUND, "")


def test_a_redrive_is_sent_once_and_counted(desk) -> None:
    (name,) = park(desk, 1)
    document = saga(desk, "redrive", name, *WHY, "--json").document
    assert (document["operation"], document["message"], document["group"]) == ("redrive", name, None)
    assert (document["total"], document["done"], document["waiting"]) == (1, 1, 0)
    assert [one[0] for one in desk.broker.sent] == [name]
    again_told = saga(desk, "redrive", name, *WHY)
    assert (again_told.status, len(desk.broker.sent)) == (CONFLICT, 1)
    assert "redriven by ann" in again_told.err


def test_the_same_key_again_is_the_same_action(desk) -> None:
    (name,) = park(desk, 1)
    once = saga(desk, "discard", name, *WHY, "--key", "k", "--json").document
    assert saga(desk, "discard", name, *WHY, "--key", "k", "--json").document == once


def test_a_group_is_done_as_far_as_it_was_seen(desk) -> None:
    first, second = park(desk, 1, 2)
    done = saga(desk, "redrive", group(desk), "--up-to", "1", *WHY, "--json").document
    assert (done["total"], done["up_to"], done["group"]) == (1, 1, group(desk))
    assert [one[0] for one in desk.broker.sent] == [first]
    assert [one["id"] for one in saga(desk, "parked", group(desk), "--json").document["items"]] == [second]


def test_a_dry_run_tells_and_does_nothing(desk) -> None:
    park(desk, 1, 2)
    before = group(desk)
    document = saga(desk, "redrive", before, "--dry-run", "--json").document
    assert document == {"operation": "redrive", "total": 2, "up_to": 2, "changes": []}
    assert "2 messages of the group, as far as number 2" in saga(desk, "discard", before, "--dry-run").out
    assert (desk.broker.sent, desk.bench.parking.actions) == ([], {})


def test_what_the_broker_does_not_take_waits_again_and_is_no_success(desk) -> None:
    (name,) = park(desk, 1)
    desk.broker.errors[name] = [MalformedMessageError("no queue is bound")]
    ended = saga(desk, "redrive", name, *WHY)
    assert ended.status == ERROR
    assert "1 the broker did not take" in ended.out
    assert saga(desk, "parked", name, "--json").document["problem"] == "no queue is bound"


def test_what_is_not_confirmed_in_time_is_left_to_the_recorder(desk) -> None:
    (name,) = park(desk, 1)
    desk.broker.errors[name] = [PublishUnknownError("no confirm within 5 s")]
    ended = saga(desk, "redrive", name, *WHY, "--wait", "--timeout", "0.3", "--json")
    assert (ended.status, ended.document["waiting"]) == (TIMEOUT, 1)


def test_what_is_put_aside_can_be_restored(desk) -> None:
    (name,) = park(desk, 1)
    assert saga(desk, "discard", name, *WHY, "--json").document["done"] == 1
    assert saga(desk, "parked", name, "--json").document["decided_by"] == "ann"
    assert saga(desk, "restore", name, *WHY).status == OK
    assert saga(desk, "parked", name, "--json").document["state"] == "parked"


def test_an_edit_shows_what_it_changes_and_the_redrive_sends_it(desk, tmp_path) -> None:
    (name,) = park(desk, 1)
    body = tmp_path / "mended.json"
    body.write_text('{"order_id": "A1"}')
    told = saga(desk, "edit", name, "--body", str(body), "--header", "ce-dataschema=v1", "--dry-run", "--json").document
    assert [change["pointer"] for change in told["changes"]] == ["/body/order_id", "/headers/ce-dataschema"]
    assert saga(desk, "edit", name, "--body", str(body), *WHY).status == OK
    assert saga(desk, "parked", name, "--json").document["edited"]["body"] == '{"order_id": "A1"}'
    saga(desk, "redrive", name, *WHY)
    ((_, content, _),) = desk.broker.sent
    assert content.body == b'{"order_id": "A1"}'


def test_an_edit_that_would_be_refused_again_is_refused_with_its_places(desk, tmp_path) -> None:
    (name,) = park(desk, 1)
    body = tmp_path / "still-wrong.json"
    body.write_text('{"order_id": 2}')
    ended = saga(desk, "edit", name, "--body", str(body), *WHY)
    assert (ended.status, ended.out) == (USAGE, "")
    assert "order_id" in ended.err
    assert saga(desk, "edit", name, "--header", "nameless", *WHY).status == USAGE


def test_the_contracts_are_those_of_the_sagas_that_are_named(desk) -> None:
    (name,) = park(desk, 1)
    saga(desk, "edit", name, "--header", "ce-dataschema=v1", "--sagas", "shop:SAGAS", *WHY)
    assert desk.asked[-1] == "shop:SAGAS"


def test_a_message_that_moved_meanwhile_is_a_conflict(desk) -> None:
    (name,) = park(desk, 1)
    asyncio.run(desk.bench.parking.record(again(1), T0 + 9_000))
    assert saga(desk, "discard", name, *WHY, "--revision", "1").status == CONFLICT
    assert saga(desk, "discard", name, *WHY, "--revision", "2").status == OK


def test_who_may_not_is_denied_and_it_is_audited(desk) -> None:
    (name,) = park(desk, 1)
    desk.caller = caller_of(Role.VIEWER)
    assert saga(desk, "discard", name, *WHY, "--json").status == DENIED
    assert desk.bench.results == [("parked discard", "refused")]
    desk.caller = Caller(actor="eve", role=Role.OPERATOR, sagas=frozenset({"trip"}))
    assert saga(desk, "parked", name).status == NOT_FOUND


@pytest.mark.parametrize("command", ["redrive", "discard", "restore", "edit"])
def test_a_reason_is_needed(desk, command) -> None:
    (name,) = park(desk, 1)
    ended = saga(desk, command, name)
    assert ended.status == USAGE
    assert "--reason" in ended.err
    assert desk.bench.parking.actions == {}
