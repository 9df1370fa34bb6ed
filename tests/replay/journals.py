"""Journals of the engine, stored with what came of each signal: what a state was folded from must fold the same for ever.

    python -m tests.replay.journals     record anew, after a change of the engine that is meant

`journals/format-1.json.gz` has the plan, every signal, and in short what was asked for and the word after it.
"""

import gzip
import json
from pathlib import Path

from pydantic import TypeAdapter

from orchestrator.engine import signals
from orchestrator.engine.effects import Perform
from orchestrator.engine.execution import Execution
from orchestrator.saga.plan import Plan
from tests.properties.plans import Rolled, build
from tests.properties.test_engine import run

STORED = Path(__file__).parent / "journals" / "format-1.json.gz"
SEEDS = 60


def packed(signal):
    kind = type(signal)
    return {"kind": kind.__name__, "told": TypeAdapter(kind).dump_python(signal, mode="json")}


def unpacked(stored):
    return TypeAdapter(getattr(signals, stored["kind"])).validate_python(stored["told"])


def shown(effects, word):
    """What came of a signal, in words: performs with their numbers, the others by kind."""
    asked = [
        f"{effect.direction} {effect.step} {effect.attempt}" if isinstance(effect, Perform) else type(effect).__name__
        for effect in effects
    ]
    return [*asked, word]


def recorded(seed):
    chance = Rolled(seed)
    record = run(build(chance), chance).record
    beats = [{**packed(beat.signal), "then": shown(beat.effects, beat.word)} for beat in record.beats]
    return {"plan": record.plan.model_dump(mode="json"), "beats": beats}


def folded(journal):
    """What comes of the stored signals now, beside what came of them then."""
    execution = Execution.begin(Plan.model_validate(journal["plan"]), "random:1")
    now = [shown(execution.receive(unpacked(beat)), execution.word) for beat in journal["beats"]]
    return now, [beat["then"] for beat in journal["beats"]]


def stored():
    return json.loads(gzip.decompress(STORED.read_bytes()))


def main():
    STORED.parent.mkdir(exist_ok=True)
    # No time of writing in the file: the same journals are the same bytes.
    STORED.write_bytes(gzip.compress(json.dumps([recorded(seed) for seed in range(SEEDS)]).encode(), mtime=0))


if __name__ == "__main__":
    main()
