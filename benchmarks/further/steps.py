"""What a saga costs with 2, 5, 20 and 50 brief steps."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from benchmarks.further.counting import Count, placed, saga_of, stage_of
from benchmarks.load import Load
from benchmarks.orders import word_of
from benchmarks.processes import Process
from benchmarks.rows.ours import performer
from orchestrator.adapters.temporal.connecting import connect
from orchestrator.adapters.temporal.gateway import TemporalExecutions
from orchestrator.adapters.temporal.worker import saga_worker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.orders import Order
    from benchmarks.processes import Watched
    from benchmarks.rows.opened import Place

STEPS = (2, 5, 20, 50)
OPEN = 16
SECONDS = 6.0


async def measure(place: Place, servers: Mapping[str, Watched]) -> dict[str, Any]:
    """CPU time and speed by number of steps, and the books: each step of each saga once."""
    client = await connect(place.settings)
    executions = TemporalExecutions(client, place.settings)
    sagas = {steps: saga_of(steps) for steps in STEPS}
    counted = Count()
    stage = stage_of(sagas.values(), counted)
    found: dict[str, Any] = {}
    async with saga_worker(client, stage, place.settings):
        for steps, saga in sagas.items():
            perform = performer(saga, executions, client)

            async def completed(order: Order, perform: Any = perform) -> str:
                word = await perform(placed(order.order_id, 0))
                return word_of(order) if word == "Completed" else word

            counted.made.clear()
            load = Load(completed, f"{place.run}-{steps}", {"python": Process(os.getpid()), **servers})
            figures = (await load.measure(OPEN, SECONDS)).figures()
            surplus = len(counted.made) - steps * len(load.orders)
            faults = [*load.faults, *([f"{surplus} effects too many"] if surplus else [])]
            found[str(steps)] = {**figures, "faults": faults}
    return found
