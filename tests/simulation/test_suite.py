"""Hundreds of thousands of transitions of the real workflow on simulated servers, each run of bad luck named by its seed."""

import itertools
import os
import time
from concurrent.futures import ProcessPoolExecutor

import pytest

from orchestrator.testing.simulation.suite import FAULTS, Tally, simulate, tally

TRANSITIONS = 300_000
CHUNK = 250
PROCESSES = min(os.cpu_count() or 1, 8)

FAILED_ONCE = {
    711: "a limit ended early: the time of a run was taken from a clock that had been set",
    1302: "an undo began while a slow worker might still perform its step",
    1617: "a command that met the end of a run was never answered, and the run never ended",
    3922: "a late reply ran ahead of the flow, and what uses its fact began before its turn",
    3768: "the same as 1617, behind an abandoned undo",
    4344: "what a lost attempt had begun was forgotten, since its repeat was suspended",
    4734: "what a lost attempt had begun was forgotten over a new run: its repeat had not yet taken all its news",
    7582: "an undo began while a lost attempt might be at the next try of its step",
    14233: "a step parked for want of code was forgotten, though a lost attempt on another worker had begun it",
    19251: "what a lost attempt had begun behind a wait was left over: its event lay unread behind a cancel",
    23320: "a late reply ran ahead of a sleep",
    23359: "what a lost attempt had begun was left over",
    25677: "a late reply ran ahead of a step that is undone in the reverse order of starts",
}
"""Seeds that broke something, and what."""


def ranges():
    return (range(start, start + CHUNK) for start in itertools.count(1, CHUNK))


@pytest.mark.simulation
@pytest.mark.timeout(1_500)
def test_no_schedule_breaks_a_promise(capsys) -> None:
    made, seeds, began = Tally(), ranges(), time.monotonic()
    with ProcessPoolExecutor(PROCESSES) as pool:
        while made.transitions < TRANSITIONS and not made.failed:
            for one in pool.map(tally, itertools.islice(seeds, PROCESSES * 4)):
                made.merge(one)
    seconds = time.monotonic() - began
    with capsys.disabled():
        print(  # noqa: T201 - the figures are what a reader of the log looks for
            f"\n{made.transitions} transitions of {made.runs} executions, {len(made.shapes)} plan shapes, "
            f"{sum(made.faults.values())} faults in {seconds:.0f} s: {made.transitions / seconds:.0f} transitions/s"
        )
    assert made.failed == {}, "run `saga-simulate --seed N` with one of these"
    assert made.faults.keys() >= FAULTS, f"these faults never happened: {sorted(FAULTS - made.faults.keys())}"
    assert len(made.shapes) >= 50


@pytest.mark.parametrize("seed", FAILED_ONCE, ids=str)
def test_what_broke_once_holds(seed) -> None:
    assert simulate(seed).violations == []
