"""A participant without a broker is told, and answers, what it would be with one."""

from datetime import UTC, datetime

import pytest

from orchestrator.errors import UnknownCommandError
from orchestrator.participant import Participant
from orchestrator.testing import Answered, rehearse_command
from tests.participant_kit import Fault, Find, Made, Make, Unmake, memory_bench


async def test_a_command_is_carried_out_once_and_answered_the_same_again() -> None:
    bench = memory_bench()
    made = Made(what="a")
    first = await rehearse_command(bench.participant, Make(what="a"), bench.store)
    again = await rehearse_command(bench.participant, Make(what="a"), bench.store)
    assert first == Answered(outcome="completed", reply=made, published=(("thing.made", {"what": "a"}),))
    assert again == Answered(outcome="completed", reply=made)
    await rehearse_command(bench.participant, Make(what="a"), bench.store, key="second")
    assert await bench.made() == ["a", "a"]


async def test_an_undo_finds_its_command_by_the_same_key() -> None:
    bench = memory_bench()
    await rehearse_command(bench.participant, Make(what="a"), bench.store)
    undone = await rehearse_command(bench.participant, Unmake(what="a"), bench.store, direction="undo")
    nothing = await rehearse_command(bench.participant, Unmake(what="b"), bench.store, key="other", direction="undo")
    assert undone.outcome == nothing.outcome == "completed"
    assert await bench.made() == ["a", "una"]
    late = await rehearse_command(bench.participant, Make(what="a"), bench.store)
    assert (late.outcome, late.code) == ("rejected", "undone")


async def test_a_probe_is_answered_with_the_reply() -> None:
    bench = memory_bench()
    found = await rehearse_command(bench.participant, Find(what="found"), bench.store, direction="probe")
    assert found.reply == Made(what="found")


async def test_refusals_say_why() -> None:
    bench = memory_bench()
    refused = await rehearse_command(bench.participant, Make(what="refused"), bench.store)
    assert refused == Answered(outcome="rejected", code="no", reason="not that")
    later = await rehearse_command(bench.participant, Make(what="later"), bench.store, key="second")
    assert later.outcome == "failed"
    past = datetime(2020, 1, 1, tzinfo=UTC)
    expired = await rehearse_command(bench.participant, Make(what="a"), bench.store, key="third", deadline=past)
    assert (expired.outcome, expired.code) == ("failed", "expired")


async def test_faults_and_unknown_commands_are_raised() -> None:
    bench = memory_bench()
    with pytest.raises(Fault):
        await rehearse_command(bench.participant, Make(what="broken"), bench.store)
    with pytest.raises(UnknownCommandError):
        await rehearse_command(Participant("nobody"), Make(what="a"), bench.store)
