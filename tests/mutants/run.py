"""Put one small fault after the other into the engine; the tests must find nine of ten, and the rest is explained.

    python -m tests.mutants.run [PART]     all faults, or those whose name has PART in it

A fault is found if a unit test of the engine fails, an invariant breaks on a seeded schedule, or neither ends in time.
What survives is held against `survivors.txt`: each with the reason why it may. Exit 1 if one has no reason there, if a
reason is of no use any more, or if less than nine of ten are found.

Own code, since neither known tool fits this tree: mutmut 3 changes the bodies of functions only, and half of the engine
is a table; cosmic-ray runs a process with all its imports for each fault, which takes hours where this takes minutes.
"""

import ast
import importlib.abc
import importlib.util
import io
import multiprocessing
import os
import signal
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pydantic  # noqa: F401 - loaded once here, not in each child
import pytest

from tests.mutants.faults import Fault, faults_of

PROJECT = Path(__file__).resolve().parents[2]
ENGINE = PROJECT / "orchestrator" / "engine"
SURVIVORS = Path(__file__).with_name("survivors.txt")
FOUND_AT_LEAST = 0.9
SECONDS = 60
FOUND, SURVIVED = 10, 11
"""How a child ends; any other way is a fault of this program."""
SEEDS = 60
UNIT = ["tests/unit/engine", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:cov"]


class Faulty(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads one module of the engine with a fault in it."""

    def __init__(self, fault):
        self.fault = fault

    def find_spec(self, fullname, path, target=None):
        if fullname != f"orchestrator.engine.{self.fault.module}":
            return None
        return importlib.util.spec_from_file_location(fullname, ENGINE / f"{self.fault.module}.py", loader=self)

    def exec_module(self, module):
        exec(compile(self.fault.tree, f"{self.fault.module}.py", "exec"), module.__dict__)


def is_found(fault):
    """Run in a child: it has not imported the engine yet."""
    sys.meta_path.insert(0, Faulty(fault))
    silence = io.StringIO()
    with redirect_stdout(silence), redirect_stderr(silence):
        return pytest.main(list(UNIT)) != 0 or breaks_an_invariant()


def breaks_an_invariant():
    from tests.properties.plans import Rolled, build
    from tests.properties.test_engine import run

    try:
        for seed in range(SEEDS):
            chance = Rolled(seed)
            run(build(chance), chance)
    except Exception:  # noqa: BLE001 - a faulty engine may fail in any way, and any way is found
        return True
    return False


def child(fault):
    os._exit(FOUND if is_found(fault) else SURVIVED)


def survivors(faults):
    """Names of the faults that nothing finds; as many children at once as there are processors."""
    context, waiting = multiprocessing.get_context("fork"), list(faults)
    running, left = list[Any](), list[str]()
    while waiting or running:
        while waiting and len(running) < (os.cpu_count() or 1):
            fault = waiting.pop(0)
            process = context.Process(target=child, args=(fault,))
            process.start()
            running.append((fault, process, time.monotonic() + SECONDS))
        running[0][1].join(0.02)
        for one in list(running):
            fault, process, ends = one
            if process.is_alive() and time.monotonic() > ends:
                process.kill()
                process.join()
            if not process.is_alive():
                running.remove(one)
                if process.exitcode not in (FOUND, SURVIVED, -signal.SIGKILL):
                    raise RuntimeError(f"{fault.name}: the child ended with {process.exitcode}")
                left += [fault.name] if process.exitcode == SURVIVED else []
    return left


def explained():
    """Reasons by fault. A line is a fault's name, the next its reason, indented."""
    lines = [line for line in SURVIVORS.read_text().splitlines() if line and not line.startswith("#")]
    return {lines[place]: lines[place + 1].strip() for place in range(0, len(lines), 2)}


def main():
    began, part = time.monotonic(), sys.argv[1] if len(sys.argv) > 1 else ""
    files = sorted(ENGINE.glob("*.py"))
    whole = Fault("turn", "none", ast.parse((ENGINE / "turn.py").read_text()))
    if survivors([whole]) != [whole.name]:
        raise RuntimeError("the tests fail without any fault")
    faults = [fault for file in files for fault in faults_of(file.stem, file.read_text()) if part in fault.name]
    left, reasons = survivors(faults), explained()
    share = 1 - len(left) / max(1, len(faults))
    for name in left:
        if name not in reasons:
            sys.stdout.write(f"not found, and not explained: {name}\n")
    gone = [name for name in reasons if name not in left and any(fault.name == name for fault in faults)]
    gone += [name for name in reasons if not part and all(fault.name != name for fault in faults)]
    for name in gone:
        sys.stdout.write(f"explained, and no survivor: {name}\n")
    seconds = time.monotonic() - began
    line = f"faults={len(faults)} found={len(faults) - len(left)} share={share:.3f} seconds={seconds:.0f}\n"
    sys.stdout.write(line)
    return int(share < FOUND_AT_LEAST or bool(gone) or any(name not in reasons for name in left))


if __name__ == "__main__":
    sys.exit(main())
