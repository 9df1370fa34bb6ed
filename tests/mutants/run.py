"""Put one small fault after the other into the engine; the tests must find nine of ten, and the rest is explained.

    python -m tests.mutants.run [PART]     all faults, or those whose name has PART in it

A fault is found if an invariant breaks on a seeded schedule, a unit test of the engine fails, or neither ends in time.
What survives is held against `survivors.txt`: each with the reason why it may. Exit 1 if one has no reason there, if a
reason is of no use any more, or if less than nine of ten are found.

Own code, since neither known tool fits this tree: mutmut 3 changes the bodies of functions only, and half of the engine
is a table; cosmic-ray runs a process with all its imports for each fault, which takes hours where this takes minutes.
"""

import os
import sys
import time
from pathlib import Path

from tests.mutants.children import ENGINE, survivors_afresh, survivors_in_place
from tests.mutants.faults import faults_of, no_fault

SURVIVORS = Path(__file__).with_name("survivors.txt")
FOUND_AT_LEAST = 0.9


def survivors_of(faults):
    """Names of the faults that nothing finds, in the order of `faults`."""
    right = no_fault("turn", (ENGINE / "turn.py").read_text())
    in_place = survivors_in_place([right, *(fault for fault in faults if not fault.needs_loading)])
    # A table that is put in does not reach what other modules have made of it.
    doubtful = [fault for fault in faults if fault.needs_loading or (fault.assignments and fault.name in in_place)]
    afresh = survivors_afresh([right, *doubtful])
    if right.name not in afresh or right.name not in in_place:
        raise RuntimeError("the tests fail without any fault")
    left = {*afresh, *in_place}.difference(fault.name for fault in doubtful if fault.name not in afresh)
    return [fault.name for fault in faults if fault.name in left]


def explained():
    """Reasons by fault. A line is a fault's name, the next its reason, indented."""
    lines = [line for line in SURVIVORS.read_text().splitlines() if line and not line.startswith("#")]
    return {lines[place]: lines[place + 1].strip() for place in range(0, len(lines), 2)}


def main():
    began, part = time.monotonic(), sys.argv[1] if len(sys.argv) > 1 else ""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    sys.dont_write_bytecode = False  # else each child compiles all modules anew
    files = sorted(ENGINE.glob("*.py"))
    faults = [fault for file in files for fault in faults_of(file.stem, file.read_text(), part)]
    left, reasons = survivors_of(faults), explained()
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
