"""Figures of a run: spreads, ratios within a repetition, and the table in the documentation that is made from them."""

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import BEGIN, DOCUMENT, END, RESULTS, made_from
from benchmarks.report import summary

HISTORIES = {"completed": {"events": 6, "bytes": 10}, "undone": {"events": 7, "bytes": 11}}


def cell(row, speed, cpu, *, p50=10.0, faults=()):
    told = {"sagas_per_s": speed, "p50_ms": p50, "p99_ms": p50, "sagas": 5, "cpu_ms": {"python": cpu, "total": cpu}}
    return {
        "row": row,
        "levels": {"1": told, "16": told},
        "histories": HISTORIES,
        "peak_rss_bytes": 1 << 20,
        "sagas": 10,
        "repeats": 0,
        "faults": list(faults),
    }


def test_ratios_are_taken_within_a_repetition_and_the_middle_one_is_told() -> None:
    made = summary(
        [
            cell("brief", 30, 10),
            cell("hand_local", 10, 20),
            cell("brief", 10, 10),
            cell("hand_local", 10, 30),
            cell("brief", 20, 10),
            cell("hand_local", 10, 25),
        ]
    )
    assert made["ratios"] == {"brief_vs_hand_local": 2.0, "brief_vs_hand_local_cpu": 2.5}
    assert made["ratios_spread"]["brief_vs_hand_local"] == [1.0, 2.0, 3.0]
    assert made["rows"]["brief"]["levels"]["16"]["sagas_per_s"] == [10, 20, 30]
    assert made["rows"]["brief"]["sagas"] == 30


def test_all_ratios_are_there_once_all_rows_are() -> None:
    rows = ("hand_normal", "hand_local", "brief", "durable", "hand_commands", "commands")
    ratios = summary([cell(row, 1, 1) for row in rows])["ratios"]
    pairs = ("brief_vs_hand_local", "brief_vs_hand_normal", "durable_vs_hand_normal", "commands_vs_hand")
    assert set(ratios) == {*pairs, *(f"{pair}_cpu" for pair in pairs), "brief_p50_vs_hand_normal"}


def test_every_fault_is_kept() -> None:
    made = summary([cell("brief", 1, 1, faults=["a"]), cell("brief", 1, 1, faults=["b"])])
    assert made["faults"] == ["a", "b"]


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_the_documents_table_is_the_stored_runs(store) -> None:
    text = DOCUMENT.read_text()
    table = text.split(BEGIN.format(store=store))[1].split(END.format(store=store))[0].strip()
    name = table.split("`")[1].removeprefix("benchmarks/results/")
    stored = json.loads((RESULTS / name).read_text())
    assert table == made_from(stored, name)
    assert Path(name).suffix == ".json"
