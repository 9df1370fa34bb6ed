"""Records histories for the replay tests: `python -m tests.replay.recording` on the local servers.

Run it when a plan format is added, never to make a failing replay pass: a stored history stands for executions that
users have open.
"""

import asyncio
import gzip
import re
import tempfile
from pathlib import Path

from tests.shop_kit import ALL, Shop, shop

FOLDER = Path(__file__).parent / "histories" / "format-1"
KINDS = {"completed": "", "refused": "payment-declined", "undone": "shipping-declined", "resent": "silent-inventory"}


async def keep(place: Shop, execution: str, name: str) -> None:
    await place.result(execution)
    history = await place.running.client.get_workflow_handle(execution).fetch_history()
    text = re.sub(r'"\d+@[^"]*"', '"worker"', history.to_json())  # process and host say nothing
    (FOLDER / f"{name}.json.gz").write_bytes(gzip.compress(text.encode(), mtime=0))


async def record() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with shop(Path(folder), *ALL) as place:
            for number, (name, simulate) in enumerate(KINDS.items()):
                await keep(place, await place.place(place.order(number, simulate)), name)
        async with shop(Path(folder), "inventory") as place:
            execution = await place.place(place.order())
            while await place.corner.depth(place.corner.names.command_queue("payments")) == 0:
                await asyncio.sleep(0.05)
            await place.running.executions.cancel(execution, actor="recorder", reason="to record it")
            async with place.serving("payments"):
                await keep(place, execution, "cancelled")


if __name__ == "__main__":
    asyncio.run(record())
