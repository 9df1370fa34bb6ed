"""`saga-simulate`: run simulated schedules again, or many new ones. No server is needed."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser

from orchestrator.testing.simulation.suite import Tally, shrink, simulate, story_of


def main(arguments: list[str] | None = None) -> int:
    """Simulate `--runs` executions from `--seed` on; 0 if all invariants held, else 1 and the story of the first."""
    parser = ArgumentParser(prog="saga-simulate", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first seed: one seed is one plan and one schedule")
    parser.add_argument("--runs", type=int, default=1, help="how many seeds")
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


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
