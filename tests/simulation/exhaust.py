"""Search every small plan on all processors and hold what was visited against `exhaustive.json`.

python -m tests.simulation.exhaust            compare; exit 1 if a count differs or an invariant is broken
python -m tests.simulation.exhaust --write    store the counts
"""

import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.simulation.exhaustive import search
from tests.simulation.small_plans import small_plans

COUNTS = Path(__file__).with_name("exhaustive.json")


def count(name):
    """Points and signals of the plan of this name."""
    return name, list(search(dict(small_plans())[name]))


def stored():
    return json.loads(COUNTS.read_text())


def count_all():
    # The largest come last in the list: beginning with them keeps all processors busy to the end.
    names = [name for name, _ in small_plans()][::-1]
    with ProcessPoolExecutor() as pool:
        return dict(sorted(pool.map(count, names)))


def say(line):
    sys.stdout.write(line + "\n")


def main():
    began = time.monotonic()
    found = count_all()
    points, signals = (sum(each[place] for each in found.values()) for place in (0, 1))
    seconds = time.monotonic() - began
    say(f"plans={len(found)} points={points} signals={signals} seconds={seconds:.0f} violations=0")
    if "--write" in sys.argv:
        COUNTS.write_text("{\n" + ",\n".join(f'"{name}": {json.dumps(each)}' for name, each in found.items()) + "\n}\n")
        return 0
    known = stored()
    changed = [name for name in sorted(found.keys() | known.keys()) if found.get(name) != known.get(name)]
    for name in changed:
        say(f"{name}: {found.get(name)}, stored is {known.get(name)}")
    return int(bool(changed))


if __name__ == "__main__":
    sys.exit(main())
