"""What is stored of a whole run, and the table that is made from it. No I/O."""

from __future__ import annotations

from collections import defaultdict
from statistics import median
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

Cell: TypeAlias = "Mapping[str, Any]"
"""What `benchmarks.cell` measured: one row, once."""
AT = "16"
"""Open sagas at which rows are compared."""
PAIRS = {
    "brief_vs_hand_local": ("brief", "hand_local"),
    "brief_vs_hand_normal": ("brief", "hand_normal"),
    "durable_vs_hand_normal": ("durable", "hand_normal"),
    "commands_vs_hand": ("commands", "hand_commands"),
}
"""Ours over the hand-written one."""
TO_REACH = {
    "brief_vs_hand_local": 2.2,
    "brief_vs_hand_local_cpu": 2.2,
    "brief_vs_hand_normal": 3.5,
    "brief_vs_hand_normal_cpu": 3.5,
    "durable_vs_hand_normal": 1.05,
    "durable_vs_hand_normal_cpu": 1.05,
    "commands_vs_hand": 2.5,
    "commands_vs_hand_cpu": 2.5,
}
NAMES = {
    "hand_normal": "by hand, normal activities",
    "hand_local": "by hand, local activities",
    "brief": "**ours, brief actions**",
    "brief_ledger": "ours, brief actions, with the ledger in SQLite",
    "durable": "**ours, durable actions**",
    "hand_commands": "by hand, the activity publishes, the reply completes it",
    "commands": "**ours, commands over RabbitMQ**",
    "commands_kit": "ours, commands, the participant made with the kit",
}
SPLIT = ("python", "temporal", "rabbitmq", "responder")


def summary(cells: Sequence[Cell]) -> dict[str, Any]:
    """Rows, ratios and faults of a run; each figure as [min, median, max] over its repetitions."""
    by_row: defaultdict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        by_row[cell["row"]].append(cell)
    spread = _ratios(by_row)
    return {
        "rows": {name: _row(measured) for name, measured in by_row.items()},
        "ratios": {name: round(values[1], 3) for name, values in spread.items()},
        "ratios_spread": spread,
        "to_reach": TO_REACH,
        "faults": [fault for cell in cells for fault in cell["faults"]],
    }


def _row(cells: Sequence[Cell]) -> dict[str, Any]:
    levels = {name: _level([cell["levels"][name] for cell in cells]) for name in cells[0]["levels"]}
    return {
        "levels": levels,
        "histories": cells[-1]["histories"],
        "peak_rss_bytes": max(cell["peak_rss_bytes"] for cell in cells),
        "sagas": sum(cell["sagas"] for cell in cells),
        "repeats": sum(cell["repeats"] for cell in cells),
    }


def _level(measured: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    figures: dict[str, Any] = {
        name: _spread(one[name] for one in measured) for name in ("sagas_per_s", "p50_ms", "p99_ms")
    }
    figures["cpu_ms"] = {name: _spread(one["cpu_ms"][name] for one in measured) for name in measured[0]["cpu_ms"]}
    figures["sagas"] = sum(one["sagas"] for one in measured)
    return figures


def _ratios(by_row: Mapping[str, Sequence[Cell]]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for name, (ours, theirs) in PAIRS.items():
        if ours in by_row and theirs in by_row:
            pairs = list(zip(by_row[ours], by_row[theirs], strict=True))
            found[name] = _spread(_speed(one) / _speed(other) for one, other in pairs)
            found[f"{name}_cpu"] = _spread(_cpu(other) / _cpu(one) for one, other in pairs)
    if "brief" in by_row and "hand_normal" in by_row:
        both = zip(by_row["brief"], by_row["hand_normal"], strict=True)
        found["brief_p50_vs_hand_normal"] = _spread(_p50(one) / _p50(other) for one, other in both)
    return found


def _speed(cell: Cell) -> float:
    return float(cell["levels"][AT]["sagas_per_s"])


def _cpu(cell: Cell) -> float:
    return float(cell["levels"][AT]["cpu_ms"]["total"])


def _p50(cell: Cell) -> float:
    return float(cell["levels"]["1"]["p50_ms"])


def _spread(values: Iterable[float]) -> list[float]:
    """Min, median, max."""
    ordered = sorted(values)
    return [ordered[0], median(ordered), ordered[-1]]


def tables(stored: Mapping[str, Any]) -> str:
    """A stored run as Markdown."""
    return "\n\n".join([_speed_table(stored["rows"]), _cpu_table(stored["rows"]), _ratio_table(stored)])


def _speed_table(rows: Mapping[str, Any]) -> str:
    levels = list(next(iter(rows.values()))["levels"])
    head = [
        "row",
        *(f"sagas/s, {level} open" for level in levels),
        *(f"p50 / p99 ms, {level} open" for level in levels),
    ]
    lines = [
        [
            NAMES[name],
            *(_range(row["levels"][level]["sagas_per_s"], "{:.1f}".format) for level in levels),
            *(f"{row['levels'][level]['p50_ms'][1]:.0f} / {row['levels'][level]['p99_ms'][1]:.0f}" for level in levels),
        ]
        for name, row in rows.items()
    ]
    return _table(head, lines)


def _cpu_table(rows: Mapping[str, Any]) -> str:
    head = ["row", "CPU ms a saga, 16 open", "our Python", "Temporal", "RabbitMQ", "responder"]
    head += ["events (ok, undone)", "bytes (ok, undone)", "peak RSS MiB"]
    return _table(head, [_cpu_line(name, row) for name, row in rows.items()])


def _cpu_line(name: str, row: Mapping[str, Any]) -> list[str]:
    cpu, told = row["levels"][AT]["cpu_ms"], row["histories"]
    return [
        NAMES[name],
        _range(cpu["total"], "{:.1f}".format),
        *(f"{cpu[part][1]:.1f}" if part in cpu else "-" for part in SPLIT),
        f"{told['completed']['events']}, {told['undone']['events']}",
        f"{told['completed']['bytes']}, {told['undone']['bytes']}",
        f"{row['peak_rss_bytes'] / 2**20:.0f}",
    ]


def _ratio_table(stored: Mapping[str, Any]) -> str:
    lines = [
        [f"`{name}`", _range(values, "{:.2f}".format), f"{TO_REACH[name]:g}" if name in TO_REACH else "at most 0.2"]
        for name, values in stored["ratios_spread"].items()
    ]
    return _table(["ratio", "median (min to max)", "to reach"], lines)


def _range(values: Sequence[float], shown: Callable[[float], str]) -> str:
    low, middle, high = (shown(value) for value in values)
    return f"{middle} ({low} to {high})"


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
