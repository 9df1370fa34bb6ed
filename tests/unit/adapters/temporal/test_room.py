"""What an execution may know: counted by what the SDK would write, decided by the state alone."""

import json
from typing import Literal

import pytest
from temporalio.converter import DefaultPayloadConverter

from orchestrator.adapters.temporal import room
from orchestrator.adapters.temporal.given import Report
from orchestrator.adapters.temporal.room import MAX_KNOWN_BYTES, Room, allowed, fitting, size_of
from orchestrator.engine.effects import Park
from orchestrator.engine.execution import Execution
from orchestrator.engine.signals import (
    Arrived,
    Failed,
    ReceivedEvent,
    RetryRequested,
    SkipRequested,
    Started,
    Succeeded,
)
from tests.temporal_kit import saga

TRIGGER = ReceivedEvent(identity="i", body_hash="b", type="asked", payload={"key": "1", "how": ""})
BY = {"command_id": "c", "actor": "ann", "reason": "so"}


def running():
    execution = Execution.begin(saga.plan, "fetch:1")
    execution.receive(Started(TRIGGER))
    return execution, Room(execution, size_of(TRIGGER.payload))


def took(size: int, direction: Literal["do", "undo"] = "do"):
    return Succeeded(step="take", direction=direction, result="x" * (size - 2))


def came(size, identity="n"):
    return Arrived(ReceivedEvent(identity=identity, body_hash="h", type="news", payload="x" * (size - 2)))


@pytest.mark.parametrize("value", [{"a": [1, "x"]}, "\N{GRINNING FACE}é", None, 1.5])
def test_a_size_is_what_the_sdk_would_write(value) -> None:
    (payload,) = DefaultPayloadConverter().to_payloads([value])
    assert value is None or size_of(value) == len(payload.data)


def test_what_fits_is_taken_and_what_does_not_fails_its_step_for_good() -> None:
    execution, left = running()
    assert left.fit(took(900_000)) == took(900_000)
    execution.receive(took(900_000))
    failed = left.fit(took(900_000))
    assert isinstance(failed, Failed)
    assert (failed.step, failed.direction, failed.attempt, failed.retryable) == ("take", "do", 1, False)
    assert "its result takes 900000 bytes" in failed.reason
    assert f"{MAX_KNOWN_BYTES} that an execution may know" in failed.reason


def test_what_was_taken_in_vain_does_not_count_when_it_matters() -> None:
    """A late copy of a result is counted when it comes, and is no part of the state."""
    execution, left = running()
    execution.receive(took(700_000))
    for _ in range(5):
        left.fit(took(700_000))
    assert left.fit(took(700_000)) == took(700_000)


def test_an_event_for_which_there_is_no_room_is_parked_and_a_copy_of_one_taken_is_the_engines() -> None:
    execution, left = running()
    left.fit(came(1_000_000))
    execution.state.held.append(came(1_000_000).event)
    execution.state.seen["n"] = "h"
    assert left.fit(came(1_000_000)) == came(1_000_000)
    parked = left.fit(came(1_000_000, "another"))
    assert isinstance(parked, Park)
    assert (parked.code, parked.event.identity) == ("no-room", "another")
    assert "1000000 bytes" in parked.reason


def test_the_result_of_an_undo_is_kept_nowhere_so_it_needs_no_room() -> None:
    _, left = running()
    assert left.fit(took(2_000_000, "undo")) == took(2_000_000, "undo")


def test_a_persons_input_is_refused_before_it_is_taken_and_counts_once_it_is() -> None:
    _, left = running()
    before = left.left
    assert "too large" in left.objection({"result": "x" * 2_000_000})
    assert left.objection({"result": "x" * 1_000_000}) == ""
    assert left.left == before, "who only asks changes nothing"
    for command in (
        SkipRequested(**BY, step="take", result="x" * 600_000),
        RetryRequested(**BY, step="take", edited={"asked": "x" * 600_000}),
    ):
        assert left.fit(command) == command
    assert left.left < before - 1_200_000


def test_a_persons_input_is_held_to_the_state_where_the_sum_says_too_much() -> None:
    _, left = running()
    for _ in range(2):
        left.fit(took(700_000))  # never taken by the engine
    assert left.left < 1_000_000
    assert left.objection({"result": "x" * 1_000_000}) == ""


def test_a_long_plan_leaves_less(monkeypatch) -> None:
    monkeypatch.setattr(room, "MAX_WITH_PLAN_BYTES", MAX_KNOWN_BYTES + len(json.dumps(saga.plan.document)) // 2)
    monkeypatch.setattr(room, "_allowed", {})
    assert allowed(saga.plan) < MAX_KNOWN_BYTES
    assert allowed(saga.plan) == room._allowed[saga.plan.content_hash]


def test_the_sizes_of_few_plans_are_remembered(monkeypatch) -> None:
    monkeypatch.setattr(room, "_allowed", {str(number): 1 for number in range(room.CACHED_PLANS)})
    assert allowed(saga.plan) == MAX_KNOWN_BYTES
    assert list(room._allowed) == [saga.plan.content_hash]


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        (Report(step="take", direction="do", attempt=1, kind="ok", result="x" * 98), "ok"),
        (Report(step="take", direction="do", attempt=1, kind="ok", result="x" * 99), "failed"),
        (Report(step="take", direction="do", attempt=1, kind="refused", result="x" * 99), "refused"),
        (Report(step="take", direction="do", attempt=1, kind="ok"), "ok"),
    ],
)
def test_a_report_keeps_its_result_if_it_fits(made, kind) -> None:
    found = fitting(made, 100)
    assert found.kind == kind
    if kind == "failed":
        assert (found.result, found.retryable) == (None, False)
        assert "101 bytes" in found.reason
    else:
        assert found is made
