"""What the contract tests of stores leave out."""

from dataclasses import dataclass, field

import pytest

from orchestrator.participant import MemoryStore


@dataclass
class Shelf:
    pieces: dict[str, int] = field(default_factory=lambda: {"tea": 5})


async def test_a_transaction_works_on_a_copy_that_is_kept_at_its_end() -> None:
    store = MemoryStore(Shelf())
    async with store.transaction() as transaction:
        transaction.get(Shelf).pieces["tea"] -= 1
        assert store.get(Shelf).pieces == {"tea": 5}
    assert store.get(Shelf).pieces == {"tea": 4}


async def test_what_a_fault_left_half_done_is_dropped() -> None:
    store = MemoryStore(Shelf())

    async def fail() -> None:
        async with store.transaction() as transaction:
            transaction.get(Shelf).pieces["tea"] -= 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert store.get(Shelf).pieces == {"tea": 5}


def test_what_it_was_not_given_is_named() -> None:
    with pytest.raises(LookupError, match=r"this store was given no Shelf: MemoryStore\(Shelf\(\.\.\.\)\)"):
        MemoryStore().get(Shelf)
