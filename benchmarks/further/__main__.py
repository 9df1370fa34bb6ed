"""`make bench-all`, its second half: the further measurements one after the other, and one file of their figures."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import uvloop

from benchmarks.__main__ import OURS, RESULTS, measure
from benchmarks.cell import Asked, place_in
from benchmarks.further import memory, recovery, relay, steps
from benchmarks.processes import Session
from benchmarks.servers import PROJECT, Servers, fresh_servers, note
from workers.stopping import leave

MEASUREMENTS = {"relay": relay, "recovery": recovery, "steps": steps, "memory": memory}
LIMIT_S = 1_800.0


def processes(count: int, servers: Servers) -> dict[str, Any]:
    """Speed of so many worker processes together, each with its own sixteen open sagas of brief steps."""
    asked = Asked("brief", (16,), 10.0, servers.sessions)
    with ThreadPoolExecutor(count) as pool:
        cells = list(pool.map(measure, [asked] * count, [servers.variables] * count))
    speed = sum(cell["levels"]["16"]["sagas_per_s"] for cell in cells)
    return {"sagas_per_s": speed, "faults": [fault for cell in cells for fault in cell["faults"]]}


def one(name: str, sessions: dict[str, int]) -> dict[str, Any]:
    """One measurement, in this process."""
    with tempfile.TemporaryDirectory() as folder:
        watched = {name: Session(pid) for name, pid in sessions.items()}
        found: dict[str, Any] = uvloop.run(MEASUREMENTS[name].measure(place_in(folder), watched))
        return found


def every(servers: Servers) -> dict[str, Any]:
    """All measurements, each in a process of its own."""
    found: dict[str, Any] = {}
    for name in MEASUREMENTS:
        arguments = [sys.executable, "-m", "benchmarks.further", name, json.dumps(dict(servers.sessions))]
        ended = subprocess.run(
            arguments, cwd=PROJECT, env=servers.variables, check=True, stdout=subprocess.PIPE, timeout=LIMIT_S
        )
        found[name] = json.loads(ended.stdout)
        note.print(f"{name}: {found[name]}", markup=False, highlight=False)
    found["processes"] = {str(count): processes(count, servers) for count in (1, 2)}
    return found


def faults_in(found: dict[str, Any]) -> list[str]:
    """All faults, at any depth."""
    parts: list[dict[str, Any]] = [part for part in found.values() if isinstance(part, dict)]
    own: list[str] = found.get("faults", [])
    return [*own, *(fault for part in parts for fault in faults_in(part))]


def main() -> int:
    """Measure all and store them; with arguments, measure one on servers that run, and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.further", description=__doc__)
    parser.add_argument("only", nargs="?", choices=MEASUREMENTS, help="this one, printed as JSON")
    parser.add_argument("sessions", nargs="?", type=json.loads, default={}, help="session leaders of the servers")
    given = parser.parse_args()
    if given.only:
        sys.stdout.write(json.dumps(one(given.only, given.sessions)))
        return 0
    began = datetime.now(UTC)
    with fresh_servers() as servers:
        found = {"at": began.isoformat(), "store": OURS, **every(servers)}
    file = RESULTS / f"{began:%Y%m%dT%H%M%SZ}-{OURS}-further.json"
    file.write_text(json.dumps(found, indent=1) + "\n")
    sys.stdout.write(f"{file.relative_to(PROJECT)}\n")
    return 1 if faults_in(found) else 0


if __name__ == "__main__":
    leave(main())
