"""`make bench`: all rows in turn, three times, on the servers of `saga up`; one file with every figure at the end.

Exits with 0 when every row was measured and every ledger was exact, whatever the ratios are.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.cell import Asked, command
from benchmarks.report import summary, tables
from benchmarks.rows.registry import ROWS
from benchmarks.servers import PROJECT, Servers, fresh_servers, note
from deploy.local.temporal_server import DYNAMIC_CONFIG

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RESULTS = PROJECT / "benchmarks" / "results"
DOCUMENT = PROJECT / "docs" / "performance.md"
BEGIN, END = "<!-- table: {store} begin -->", "<!-- table: {store} end -->"
LEVELS = (1, 16, 64)
CELL_LIMIT_S = 300.0
LAST_LINES = 20
"""Of what a process said that failed."""
ALL = ",".join(ROWS)
REPETITIONS, SECONDS = 3, 6.0
OURS = "sqlite"
"""The store of `saga up`."""


def run(rows: list[str], repetitions: int, seconds: float, servers: Servers) -> list[dict[str, Any]]:
    """Measure each row in turn, and all of them again: what slows the machine for a while hits them alike."""
    cells: list[dict[str, Any]] = []
    for repetition in range(repetitions):
        for row in rows:
            began = time.monotonic()
            cell = measure(Asked(row, LEVELS, seconds, servers.sessions), servers.variables)
            cells.append(cell)
            speeds = ", ".join(f"{level}: {told['sagas_per_s']:.1f}/s" for level, told in cell["levels"].items())
            note.print(f"{repetition + 1}/{repetitions} {row}: {speeds} ({time.monotonic() - began:.0f} s)")
    return cells


def measure(asked: Asked, variables: Mapping[str, str]) -> dict[str, Any]:
    """One cell, in a process of its own.

    Raises:
        RuntimeError: it could not be measured; the text has the end of what the process said.
    """
    with tempfile.TemporaryDirectory() as folder:
        into, log = Path(folder) / "cell.json", Path(folder) / "cell.log"
        asking = [sys.executable, *command(asked, into)]
        # Kept apart: the log of refused steps, one of ten, would be the longest part of what is printed.
        with log.open("wb") as said:
            ended = subprocess.run(asking, check=False, cwd=PROJECT, env=variables, stderr=said, timeout=CELL_LIMIT_S)
        if ended.returncode != 0:
            last = "\n".join(log.read_text(errors="replace").splitlines()[-LAST_LINES:])
            raise RuntimeError(f"{asked.row} ended with {ended.returncode}:\n{last}")
        found: dict[str, Any] = json.loads(into.read_text())
        return found


def write_document(stored: dict[str, Any], name: str) -> None:
    """Put the tables of this run into docs/performance.md, where it has a place for this store."""
    text, begin, end = DOCUMENT.read_text(), BEGIN.format(**stored), END.format(**stored)
    if begin in text:
        before, rest = text.split(begin, 1)
        _, after = rest.split(end, 1)
        DOCUMENT.write_text(f"{before}{begin}\n{made_from(stored, name)}\n{end}{after}")


def made_from(stored: dict[str, Any], name: str) -> str:
    """What stands between the marks."""
    return f"Made from `benchmarks/results/{name}`.\n\n{tables(stored)}"


def _rows(text: str) -> list[str]:
    """Names of rows, with commas between."""
    rows = text.split(",")
    if unknown := [row for row in rows if row not in ROWS]:
        raise argparse.ArgumentTypeError(f"there is no row {', '.join(unknown)}; there are {ALL}")
    return rows


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rows", type=_rows, default=list(ROWS), help=f"which rows, by name: {ALL}")
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="length of each window")
    parser.add_argument("--store", default=OURS, help="what Temporal keeps its data in; part of the file's name")
    return parser.parse_args(given)


def is_whole(given: argparse.Namespace) -> bool:
    """Whether this run is fit for the document: every row, as long and as often as is said there."""
    is_long = given.seconds >= SECONDS and given.repetitions >= REPETITIONS
    return set(given.rows) == set(ROWS) and bool(is_long)


def main() -> int:
    """Measure, store, print."""
    given = arguments()
    began = datetime.now(UTC)
    with fresh_servers() as servers:
        cells = run(given.rows, given.repetitions, given.seconds, servers)
    made = summary(cells)
    setting = {
        "at": began.isoformat(),
        "store": given.store,
        "seconds": given.seconds,
        "dynamic_config": DYNAMIC_CONFIG,
    }
    stored = {**setting, **made, "cells": cells}
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{began:%Y%m%dT%H%M%SZ}-{given.store}.json"
    file.write_text(json.dumps(stored, indent=1) + "\n")
    if is_whole(given):
        write_document(stored, file.name)
    sys.stdout.write(f"{tables(stored)}\n\n{file.relative_to(PROJECT)}\n")
    faults: list[str] = made["faults"]
    for fault in faults[:20]:
        note.print(f"fault: {fault}", markup=False)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
