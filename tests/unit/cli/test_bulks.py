"""`saga bulks`: what is seen of one operation on many executions, and what it is told to do now."""

import asyncio
import io
import json
from typing import Any

import pytest
from rich.console import Console

from orchestrator.cli import bulks
from orchestrator.cli.exits import CONFLICT, DENIED, ERROR, NOT_FOUND, OK, PARTIAL, TIMEOUT
from orchestrator.service.access import Role
from tests.cli_kit import FakeDesk, caller_of, saga
from tests.service_kit import run_all

WHY = ("--reason", "the agency is back")


@pytest.fixture
def desk() -> FakeDesk:
    """Three trips that are stuck."""
    made = FakeDesk()
    for number in (1, 2, 3):
        hand = made.bench.stuck(f"t{number}")
        made.bench.ledger.keep_open(hand)
        hand.answers.clear()
    return made


@pytest.fixture
def bulk(desk) -> Any:
    """A bulk of retries over them; nothing is done yet."""
    given = ("--all", "--status", "stuck", "--yes", *WHY, "--json")
    return saga(desk, "retry", *given).document["id"]


def work(desk) -> None:
    asyncio.run(run_all(desk.bench.running))


def forget(desk, execution_id) -> Any:
    """An execution that nobody knows any more; gives what was known."""
    return desk.bench.live.runs.pop(execution_id), desk.bench.ledger.details.pop(execution_id)


def test_bulks_are_listed_the_newest_first_and_none_are_none(desk) -> None:
    assert saga(desk, "bulks").out == "no bulks\n"
    ids = [saga(desk, "suspend", "--all", "--status", "stuck", "--yes", *WHY, "--json").document["id"] for _ in "ab"]
    items = saga(desk, "bulks", "--json").document["items"]
    assert {item["id"] for item in items} == set(ids)
    assert {(item["operation"], item["state"], item["total"]) for item in items} == {("suspend", "running", 3)}
    assert saga(desk, "bulks", "--limit", "1", "--json").document["items"] == items[:1]
    assert "suspend of 3" in saga(desk, "bulks").out


def test_a_bulk_is_shown_with_what_came_of_each_of_its_executions(desk, bulk) -> None:
    forget(desk, "trip:t2")
    work(desk)
    shown = saga(desk, "bulks", "show", bulk, "--json").document
    assert (shown["state"], shown["done"], shown["failed"], shown["total"]) == ("partially_completed", 2, 1, 3)
    assert [(one["execution_id"], one["state"]) for one in shown["items"]] == [
        ("trip:t1", "done"),
        ("trip:t2", "failed"),
        ("trip:t3", "done"),
    ]
    told = saga(desk, "bulks", "show", bulk, "--state", "failed").out
    assert "partially_completed: 2 done, 1 failed" in told
    assert "trip:t2" in told
    assert "trip:t1" not in told


def test_items_come_in_pages(desk, bulk) -> None:
    first = saga(desk, "bulks", "show", bulk, "--limit", "2", "--json").document
    rest = saga(desk, "bulks", "show", bulk, "--after", str(first["next_after"]), "--json").document
    assert [one["number"] for one in (*first["items"], *rest["items"])] == [1, 2, 3]
    assert "there are more: --after 2" in saga(desk, "bulks", "show", bulk, "--limit", "2", columns=10).out


def test_looking_needs_no_temporal(desk, bulk) -> None:
    desk.bench.live.away = True
    assert saga(desk, "bulks", "--json").document["items"][0]["id"] == bulk
    assert saga(desk, "bulks", "show", bulk, "--json").document["waiting"] == 3
    assert saga(desk, "bulks", "watch", bulk, "--timeout", "0.1").status == TIMEOUT


def test_beginning_and_orders_need_no_temporal(desk, bulk) -> None:
    desk.bench.live.away = True
    assert saga(desk, "bulks", "suspend", bulk, *WHY, "--json").document["state"] == "suspended"
    assert saga(desk, "bulks", "resume", bulk, *WHY, "--json").document["state"] == "running"
    assert saga(desk, "bulks", "cancel", bulk, *WHY, "--json").document["state"] == "cancelled"
    given = ("--all", "--status", "stuck", "--yes", *WHY, "--json")
    assert saga(desk, "retry", *given).document["waiting"] == 3


def test_it_is_suspended_resumed_and_cancelled_by_orders(desk, bulk) -> None:
    assert saga(desk, "bulks", "suspend", bulk, *WHY, "--json").document["state"] == "suspended"
    work(desk)
    assert saga(desk, "bulks", "show", bulk, "--json").document["waiting"] == 3
    assert saga(desk, "bulks", "suspend", bulk, *WHY).status == CONFLICT
    assert saga(desk, "bulks", "resume", bulk, *WHY, "--json").document["state"] == "running"
    assert saga(desk, "bulks", "cancel", bulk, *WHY, "--json").document["state"] == "cancelled"
    assert [what for what, _ in desk.bench.results] == [
        "bulk begin retry",
        "bulk suspend",
        "bulk suspend",
        "bulk resume",
        "bulk cancel",
    ]


def test_what_failed_is_tried_again(desk, bulk) -> None:
    lost = forget(desk, "trip:t2")
    work(desk)
    assert saga(desk, "bulks", "watch", bulk, "--json").status == PARTIAL
    desk.bench.live.runs["trip:t2"], desk.bench.ledger.details["trip:t2"] = lost
    assert saga(desk, "bulks", "retry-failed", bulk, *WHY, "--json").document["waiting"] == 1
    work(desk)
    ended = saga(desk, "bulks", "watch", bulk, "--json")
    assert (ended.status, ended.document["state"], ended.document["done"]) == (OK, "completed", 3)


def test_one_of_which_nothing_was_done_has_failed(desk, bulk) -> None:
    for number in (1, 2, 3):
        forget(desk, f"trip:t{number}")
    work(desk)
    ended = saga(desk, "bulks", "watch", bulk, "--json")
    assert (ended.status, json.loads(ended.out)["failed"]) == (ERROR, 3)


def test_a_terminal_shows_a_bar_while_it_goes_on(desk, bulk, monkeypatch) -> None:
    drawn = io.StringIO()
    monkeypatch.setattr(bulks, "plain_console", lambda: Console(file=drawn, force_terminal=True, width=100))
    saga(desk, "bulks", "watch", bulk, "--timeout", "0.1")
    assert "retry" in drawn.getvalue()
    assert "0/3" in drawn.getvalue()


def test_who_may_not_is_denied_and_a_stranger_is_not_found(desk, bulk) -> None:
    assert saga(desk, "bulks", "show", "nothing").status == NOT_FOUND
    assert saga(desk, "bulks", "suspend", "nothing", *WHY).status == NOT_FOUND
    desk.caller = caller_of(Role.VIEWER)
    for given in ((), ("show", bulk), ("watch", bulk), ("cancel", bulk, *WHY)):
        assert saga(desk, "bulks", *given).status == DENIED
