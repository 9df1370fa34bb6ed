"""One row in a process of its own: opened once, measured at each number of open sagas, its books checked."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvloop
from pydantic import SecretStr

from benchmarks.load import Load
from benchmarks.processes import Process, Session
from benchmarks.rows.opened import Opened, Place
from benchmarks.rows.registry import ROWS
from orchestrator.settings import load_settings
from workers.stopping import leave

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.orders import Order
    from benchmarks.processes import Watched


@dataclass(frozen=True, slots=True)
class Asked:
    """What a cell is asked to measure. `servers`: pid of each server's session leader, by name."""

    row: str
    levels: tuple[int, ...]
    seconds: float
    servers: Mapping[str, int]


async def measure(asked: Asked) -> dict[str, Any]:
    """The row's figures at each level, its histories, its memory, and every fault of its books."""
    with tempfile.TemporaryDirectory() as folder:
        return await _measure(asked, place_in(folder))


def place_in(folder: str) -> Place:
    """Names of this opening's own, on the servers that run."""
    run = f"b{secrets.token_hex(4)}"
    ledger = SecretStr(f"sqlite:///{folder}/ledger.db")
    own = {"task_queue": run, "name_prefix": run, "ledger_url": ledger, "traces": "off"}
    settings = load_settings().model_copy(update=own)
    return Place(settings, run)


async def _measure(asked: Asked, place: Place) -> dict[str, Any]:
    servers: dict[str, Watched] = {name: Session(pid) for name, pid in asked.servers.items()}
    ourselves = Process(os.getpid())
    async with ROWS[asked.row](place) as opened:
        load = Load(opened.perform, place.run, {"python": ourselves, **opened.watched, **servers})
        levels = {str(level): (await load.measure(level, asked.seconds)).figures() for level in asked.levels}
        ledger = await opened.read_ledger()
        return {
            "row": asked.row,
            "levels": levels,
            "histories": await histories(opened, load.orders),
            "peak_rss_bytes": ourselves.peak_rss_bytes(),
            "servers_rss_bytes": {name: server.rss_bytes() for name, server in servers.items()},
            "sagas": len(load.orders),
            "repeats": ledger.repeats,
            "faults": load.faults + ledger.faults(load.orders),
        }


async def histories(opened: Opened, orders: Sequence[Order]) -> dict[str, dict[str, int]]:
    """Events and bytes of the history of one order that was completed, and of one that was undone."""
    found: dict[str, dict[str, int]] = {}
    for word, refused in (("completed", False), ("undone", True)):
        placed = next((one for one in orders if one.refused is refused), None)
        if placed is not None:
            told = await opened.client.get_workflow_handle(opened.workflow_id(placed)).describe()
            size = told.raw_description.workflow_execution_info.history_size_bytes
            found[word] = {"events": told.history_length, "bytes": size}
    return found


def main() -> None:
    """Measure, and write the figures where the arguments say."""
    parser = argparse.ArgumentParser()
    parser.add_argument("asked", help="the fields of `Asked` as JSON")
    parser.add_argument("into", type=Path, help="the file to write")
    given = parser.parse_args()
    asked = Asked(**json.loads(given.asked))
    given.into.write_text(json.dumps(uvloop.run(measure(asked))))
    leave(0)


def command(asked: Asked, into: Path) -> list[str]:
    """Arguments behind the interpreter."""
    return ["-m", "benchmarks.cell", json.dumps(asdict(asked)), str(into)]


if __name__ == "__main__":
    main()
