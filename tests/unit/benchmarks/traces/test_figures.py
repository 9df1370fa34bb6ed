"""The cost of traces is told within a round, so that a slow round tells nothing else than a fast one."""

from benchmarks.traces.figures import RATIOS, Slice, summary, table


def a_round(slowness: float):
    """All manners in one round: at 100 % a tenth more than off."""
    dear = {"100 %": 1.1}
    return {name: Slice(20 * slowness * dear.get(name, 1), 10 * slowness * dear.get(name, 1)) for name in RATIOS}


def test_a_ratio_is_of_one_round_and_not_of_how_slow_it_was() -> None:
    told = summary([a_round(1), a_round(3), a_round(2)])
    assert [round(one, 6) for one in told["100 %"]["ratio"]] == [1.1, 1.1, 1.1]
    assert told["off again"]["ratio"] == [1, 1, 1]
    assert told["off"]["total_ms"] == 60


def test_chance_of_one_slice_without_traces_is_halved_by_the_other() -> None:
    shaky = a_round(1) | {"off": Slice(22, 11)}
    told = summary([shaky])
    assert [round(told[name]["ratio"][1], 4) for name in ("off", "off again", "1 %")] == [1.0476, 0.9524, 0.9524]


def test_one_round_has_its_ratio_too() -> None:
    assert summary([a_round(1)])["1 %"]["ratio"] == [1, 1, 1]


def test_the_table_shows_what_is_to_be_reached() -> None:
    lines = table(summary([a_round(1), a_round(2)])).splitlines()
    assert len(lines) == 2 + len(RATIOS)
    assert lines[2] == "| off | 30.0 | 15.0 | 45.0 | 1.000 (1.000 to 1.000) | - |"
    assert lines[-1] == "| 100 % | 33.0 | 16.5 | 49.5 | 1.100 (1.100 to 1.100) | 1.10 |"
