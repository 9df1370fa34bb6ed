from orchestrator.adapters.temporal import memo
from tests.ledger_kit import PLANS

PLAN = PLANS["shop"]


def test_a_memo_is_one_entry_and_read_by_name() -> None:
    written = memo.memo_of(PLAN, **{memo.CORRELATION: "thread"})
    assert list(written) == [memo.ENTRY]
    found = memo.read(written)
    assert (found["name"], found["version"], found[memo.PLAN]) == (PLAN.saga, PLAN.version, PLAN.content_hash)
    assert found[memo.CORRELATION] == "thread"


def test_a_memo_of_an_earlier_execution_is_read_too() -> None:
    earlier = {"saga": "shop", "version": 1, "plan": "the hash", "trigger": "who:what", "trigger_hash": "h"}
    found = memo.read(earlier)
    assert (found.get(memo.PLAN), found.get(memo.IDENTITY), found.get(memo.BODY)) == ("the hash", "who:what", "h")
    assert found.get(memo.CORRELATION) is None


def test_an_execution_without_a_memo_says_nothing() -> None:
    assert memo.read({}).get(memo.PLAN, "") == ""
