"""No worker runs: what a person who asks is told, and how soon."""

import pytest

from orchestrator.adapters.temporal.live import TemporalLive
from orchestrator.errors import EngineUnavailableError
from tests.trip_kit import command, office, worker_process

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment"), pytest.mark.timeout(120)]


async def test_where_an_execution_stands_is_read_from_its_history_and_a_cancel_says_what_is_missing(tmp_path) -> None:
    async with office(tmp_path, worker=False) as place:
        async with worker_process(place):
            execution = await place.waiting()
        done = place.agency.done()
        seen = await TemporalLive(place.client, place.corner.settings).look(execution)
        assert seen is not None
        assert (seen.is_open, seen.by_history, seen.execution.word, seen.in_doubt) == (True, True, "Running", ())
        stands = {name: step.phase.value for name, step in seen.execution.state.steps.items()}
        assert (stands["book_hotel"], stands["book_flight"], stands["approved"]) == ("done", "done", "doing")
        assert place.agency.done() == done, "looking performs nothing"
        queue = place.corner.settings.task_queue
        with pytest.raises(EngineUnavailableError, match=f"no worker of task queue '{queue}' answered within"):
            await place.commanded.command(execution, command("CancelRequested"))
        with pytest.raises(EngineUnavailableError, match=f"no worker of task queue '{queue}' answered within 5 s"):
            await place.show(execution)
