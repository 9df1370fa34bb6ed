"""The metrics as a document: docs/metrics.md is made by it, and a test holds the file to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.service.metrics import METRICS

if TYPE_CHECKING:
    from orchestrator.service.meters import Metric

HEAD = """# Metrics

`saga worker`, `saga recorder`, `saga reconciler`, `saga participant` and `saga console` tell Prometheus how it goes at
`/metrics`, beside `/healthz` (it lives) and `/readyz` (it can work: what it needs answers): at `SAGA_HEALTH_HOST` and
`SAGA_HEALTH_PORT`. Unless the port is set it is 0, which is nowhere; each process of a machine needs one of its own.

## What is counted when

- Executions, attempts and what people commanded are counted when the ledger takes their journal, each line once, by
  the process that wrote it: not when something is performed, and never while history is replayed. What a crash makes a
  second process tell again is not counted again. So sums over all processes are what the ledger has, but for what a
  process had counted that was killed before it was asked. While the ledger is away they stand still; what the buffer
  had to drop meanwhile is counted when the reconciler has fetched it, its attempts only if the execution still runs.
- What relay, reply desk and ledger buffer count is of one process and adds up: `received` or `given` is the sum of all
  outcomes and of what is in hand or waits.
- Gauges from the ledger are the same from every process: take the greatest, not the sum. They are counted when somebody
  asks, and no more often than every ten seconds; while the ledger is away they are absent.
- Labels are sagas, steps, statuses, outcomes: words of which there are few. No metric has an id in a label.
- `target_info` says which process it is, as resource attributes of OpenTelemetry.

A histogram `NAME` is `NAME_bucket`, `NAME_sum` and `NAME_count`.

This file is made by `make docs` from `orchestrator/service/metrics.py`.

| Prometheus | OpenTelemetry | kind | unit | labels | told by | meaning |
|---|---|---|---|---|---|---|
"""


def document() -> str:
    """The whole file."""
    return HEAD + "".join(map(_row, METRICS))


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    cells = (f"`{metric.exposed}`", f"`{metric.name}`", metric.kind, f"`{metric.unit}`", labels, metric.source)
    return "| " + " | ".join((*cells, metric.meaning)) + " |\n"


def main() -> None:
    """Write docs/metrics.md below the current folder."""
    Path("docs/metrics.md").write_text(document())


if __name__ == "__main__":
    main()
