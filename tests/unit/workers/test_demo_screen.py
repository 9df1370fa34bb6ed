from workers.demo_screen import next_steps

WORDS = {
    "fulfil-order:3": "Stuck",
    "fulfil-order:2": "Stuck",
    "fulfil-order:9": "Parked",
    "fulfil-order:1": "Completed",
}


def test_what_to_type_names_one_order_of_each_kind() -> None:
    told = next_steps(WORDS).plain
    assert "2 stuck, 1 parked" in told
    assert "show fulfil-order:2" in told
    assert "resolve fulfil-order:2 charge_payment" in told
    assert "retry fulfil-order:9 order_fulfilled" in told
    assert "compensate fulfil-order:1 --override --dry-run" in told


def test_what_is_not_there_is_not_spoken_of() -> None:
    told = next_steps({"fulfil-order:9": "Parked"}).plain
    assert "resolve" not in told
    assert "compensate" not in told


def test_where_to_look_is_said_and_how_long_it_is_there() -> None:
    address = "http://127.0.0.1:8080/"
    assert f"{address}executions?view=all in a browser" in next_steps(WORDS, address).plain
    assert "down`" in next_steps(WORDS, address).plain
    staying = next_steps({"fulfil-order:1": "Completed"}, address, stays=True).plain
    assert "Ctrl-C" in staying
    assert "wait for a person" not in staying
    assert "in a browser" not in next_steps(WORDS).plain
