"""`saga-simulate`: run simulated schedules again, or many new ones. No server is needed."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, ArgumentTypeError

from orchestrator.testing.simulation.suite import Tally, shrink, simulate, story_of

EXIT_CODES = "exit codes: 0 all invariants held; 1 one was broken, and the story is told; 2 the arguments are wrong"


def main(arguments: list[str] | None = None) -> int:
    """Simulate `--runs` executions from `--seed` on; 0 if all invariants held, else 1 and the story of the first."""
    parser = ArgumentParser(prog="saga-simulate", description=__doc__, epilog=EXIT_CODES)
    parser.add_argument("--seed", type=_seed, default=1, help="the first seed: one seed is one plan and one schedule")
    parser.add_argument("--runs", type=_runs, default=1, help="how many seeds, each one more than the last")
    parser.add_argument("--story", action="store_true", help="tell the schedule also when nothing is wrong")
    asked = parser.parse_args(arguments)
    begun, made = time.monotonic(), Tally()
    for seed in range(asked.seed, asked.seed + asked.runs):
        world = simulate(seed, is_told=asked.story)
        made.add(seed, world)
        if world.violations and len(made.failed) == 1:
            _print(story_of(seed, shrink(seed, world)))
        elif world.violations:
            _print(f"seed {seed}: {world.violations[0]}")
        elif asked.story:
            _print(story_of(seed, world))
    seconds = time.monotonic() - begun
    violations = sum(len(found) for found in made.failed.values())
    _print(
        f"seed={asked.seed} transitions={made.transitions} runs={made.runs} "
        f"seconds={seconds:.1f} violations={violations}"
    )
    return 1 if violations else 0


def _seed(text: str) -> int:
    return _whole(text, least=0)


def _runs(text: str) -> int:
    return _whole(text, least=1)


def _whole(text: str, *, least: int) -> int:
    """A whole number from `least` on."""
    if not text.isdecimal() or int(text) < least:
        raise ArgumentTypeError(f"{text!r} is not a whole number from {least} on")
    return int(text)


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
