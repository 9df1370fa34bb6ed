"""Records histories for the replay tests: `python -m tests.replay.recording [GROUP...]` on the local servers.

Run it when a plan format, or a kind of history, is added, never to make a failing replay pass: a stored history stands
for executions that users have open. Without groups all are recorded anew.
"""

import asyncio
import gzip
import re
import sys
import tempfile
from pathlib import Path

from temporalio.client import Client

from orchestrator.saga.plan import FORMAT
from tests.faults.kit import killed
from tests.faults.kit import world as lost_world
from tests.faults.test_lost_runs import SHORT
from tests.shop_kit import ALL, Shop, shop
from tests.trip_kit import Approved, Confirmed, office

FOLDER = Path(__file__).parent / "histories" / f"format-{FORMAT}"
ORDERS = {"completed": "", "refused": "payment-declined", "undone": "shipping-declined", "resent": "silent-inventory"}


async def keep(client: Client, execution: str, name: str) -> None:
    """Store the history of an execution that has ended, and of each run before its last."""
    await client.get_workflow_handle(execution).result()
    FOLDER.mkdir(parents=True, exist_ok=True)
    run, back = "", 0
    while back == 0 or run:
        history = await client.get_workflow_handle(execution, run_id=run or None).fetch_history()
        text = re.sub(r'"\d+@[^"]*"', '"worker"', history.to_json())  # process and host say nothing
        file = FOLDER / (f"{name}-{back}-before.json.gz" if back else f"{name}.json.gz")
        file.write_bytes(gzip.compress(text.encode(), mtime=0))
        run = history.events[0].workflow_execution_started_event_attributes.continued_execution_run_id
        back += 1


async def orders(folder: Path) -> None:
    """Commands: all well, refused, undone past durable steps, sent again."""
    async with shop(folder, *ALL) as place:
        for number, (name, simulate) in enumerate(ORDERS.items()):
            execution = await place.place(place.order(number, simulate))
            await place.result(execution)
            await keep(place.running.client, execution, name)


async def _unpaid(place: Shop) -> str:
    """An order whose payment nobody handles: its command lies in the queue, and nobody waits for its reply any more."""
    execution = await place.place(place.order())
    while await place.corner.depth(place.corner.names.command_queue("payments")) == 0:
        await asyncio.sleep(0.05)
    await asyncio.sleep(1.5)  # longer than a run waits for a reply
    return execution


async def replies(folder: Path) -> None:
    """A reply that comes when nobody waits for it any more, before and behind a cancel."""
    for name in ("late-reply", "cancelled"):
        (folder / name).mkdir()
        async with shop(folder / name, "inventory", "shipping") as place:
            execution = await _unpaid(place)
            if name == "cancelled":
                await place.running.executions.cancel(execution, actor="recorder", reason="to record it")
            async with place.serving("payments"):
                await place.result(execution)
                await keep(place.running.client, execution, name)


async def trips(folder: Path) -> None:
    """A pivot, what is parked behind it, an undo that is stuck, each with the verdict of a person; several runs."""
    async with office(folder) as place:
        execution = await place.waiting(1)
        await place.approve(execution)
        await keep(place.client, execution, "pivot")
        parked = await place.parked(2)
        await place.give(parked, "SkipRequested", step="send_papers", result={"parcel": "by hand"})
        await keep(place.client, parked, "parked")
        stuck = await place.stuck(3)
        await place.give(stuck, "MarkDoneRequested", step="book_flight", evidence="the airline has confirmed")
        await keep(place.client, stuck, "stuck")
    (folder / "continued").mkdir()
    async with office(folder / "continued", signals_per_run=1) as place:
        execution = await place.waiting()
        await place.send(Approved(trip=execution.partition(":")[2]))
        await place.until(execution, "Running", confirmed="doing")
        await place.send(Confirmed(trip=execution.partition(":")[2]))
        await keep(place.client, execution, "continued")


async def losses(folder: Path) -> None:
    """A worker that is killed between its effects and their report: repeated, or cancelled before the repeat."""
    for name in ("lost-repeated", "lost-cancelled"):
        (folder / name).mkdir()
        async with lost_world(folder / name) as place:
            place.hook("s2.do.after", "kill")
            first = await place.start()
            execution = await place.ask("chain")
            await killed(first)
            if name == "lost-cancelled":
                await place.handle(execution).cancel()
            await place.start()
            await place.result(execution)
            await keep(place.client, execution, name)


async def beats(folder: Path) -> None:
    """The same behind a heartbeat of the workflow task: it was reported once, and then lost."""
    async with lost_world(folder) as place:
        place.hook("t2.do.after", "pause")  # so that t3 has a run of its own, still under way when the heartbeat is due
        place.hook("t3.do.after", "stall")
        first = await place.start(**SHORT)
        execution = await place.ask("tail")
        await killed(first)
        await place.handle(execution).cancel()
        await place.start()
        await place.result(execution)
        await keep(place.client, execution, "lost-beating")


GROUPS = {"orders": orders, "replies": replies, "trips": trips, "losses": losses, "beats": beats}


async def record(*names: str) -> None:
    for name in names or GROUPS:
        with tempfile.TemporaryDirectory() as folder:
            await GROUPS[name](Path(folder))


if __name__ == "__main__":
    asyncio.run(record(*sys.argv[1:]))
