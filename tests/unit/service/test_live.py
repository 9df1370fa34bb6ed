"""Names of linked runs."""

from orchestrator.saga.plan import MAX_ID_BYTES
from orchestrator.service.live import linked_id


def test_a_linked_run_is_named_after_its_execution() -> None:
    assert linked_id("trip:t1") == "trip:t1/undo"


def test_long_names_stay_within_the_limit_and_apart() -> None:
    long = "trip:" + "ä" * 124
    names = {linked_id(long + "a"), linked_id(long + "b")}
    assert len(names) == 2
    assert all(len(name.encode()) <= MAX_ID_BYTES and name.endswith("/undo") for name in names)
