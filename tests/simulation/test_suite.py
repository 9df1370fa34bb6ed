"""A million transitions of the real workflow on simulated servers, each run of bad luck named by its seed.

CI plays the same seeds every time. To play others: `saga-simulate --seed 500000 --runs 10000`.
"""

import os
import time
from concurrent.futures import ProcessPoolExecutor

import pytest

from orchestrator.testing.simulation.suite import FAULTS, Tally, simulate, tally

TRANSITIONS = 1_000_000
SEEDS = range(1, 34_001)
"""About a tenth more than make so many transitions."""
CHUNK = 250
PROCESSES = min(os.cpu_count() or 1, 8)
LEAST_SHAPES = 50
LEAST_OF_EACH = 20
"""So often each kind of fault must have happened."""

FAILED_ONCE = {
    711: "a limit ended early: the time of a run was taken from a clock that had been set",
    1302: "an undo began while a slow worker might still perform its step",
    1617: "a command that met the end of a run was never answered, and the run never ended",
    11560: "of a lost task and its repeat at one length of the history, the lost one's outcome was shown as a span",
    14026: "the same, in the order of the lost one: nobody's fault, since the repeat died before it told",
    3922: "a late reply ran ahead of the flow, and what uses its fact began before its turn",
    3768: "the same as 1617, behind an abandoned undo",
    4344: "what a lost attempt had begun was forgotten, since its repeat was suspended",
    4734: "what a lost attempt had begun was forgotten over a new run: its repeat had not yet taken all its news",
    7582: "an undo began while a lost attempt might be at the next try of its step",
    14233: "a step parked for want of code was forgotten, though a lost attempt on another worker had begun it",
    14887: "a copy of an undo came when a person had left its step: nobody's fault, but the books were read so",
    19251: "what a lost attempt had begun behind a wait was left over: its event lay unread behind a cancel",
    23320: "a late reply ran ahead of a sleep",
    23359: "what a lost attempt had begun was left over",
    24897: "what a lost attempt had begun was left over: the event that had let it pass was released before the repeat",
    25677: "a late reply ran ahead of a step that is undone in the reverse order of starts",
}
"""Seeds that broke something, and what."""


def play():
    """What came of all seeds, or of those up to the first that failed."""
    made = Tally()
    with ProcessPoolExecutor(PROCESSES) as pool:
        for one in pool.map(tally, [SEEDS[place : place + CHUNK] for place in range(0, len(SEEDS), CHUNK)]):
            made.merge(one)
            if made.failed:
                pool.shutdown(cancel_futures=True)
                break
    return made


@pytest.mark.simulation
@pytest.mark.timeout(1_800)
def test_no_schedule_breaks_a_promise(capsys) -> None:
    began = time.monotonic()
    made = play()
    seconds = time.monotonic() - began
    rare = {kind: made.faults[kind] for kinds in FAULTS.values() for kind in kinds}
    with capsys.disabled():
        for what, kinds in FAULTS.items():
            print(f"\n{what}: {', '.join(f'{kind} {made.faults[kind]}' for kind in kinds)}", end="")  # noqa: T201
        print(  # noqa: T201 - the figures are what a reader of the log looks for
            f"\n{made.transitions} transitions of {made.runs} executions, {len(made.shapes)} plan shapes, "
            f"{sum(made.faults.values())} faults in {seconds:.0f} s: {made.transitions / seconds:.0f} transitions/s"
        )
    assert made.failed == {}, "run `saga-simulate --seed N` with one of these"
    assert made.transitions >= TRANSITIONS
    assert {kind: number for kind, number in rare.items() if number < LEAST_OF_EACH} == {}
    assert made.faults.keys() <= rare.keys() | UNLISTED, "name these kinds in FAULTS"
    assert len(made.shapes) >= LEAST_SHAPES


UNLISTED = {f"{word} refused" for word in ("abandon", "compensate", "mark_done", "release", "resume", "retry")}
UNLISTED |= {"skip refused", "suspend refused"}
"""What a person is refused is no fault."""


@pytest.mark.parametrize("seed", FAILED_ONCE, ids=str)
def test_what_broke_once_holds(seed) -> None:
    assert simulate(seed).violations == []
