"""Whether a reconciler can work: both that it compares must answer."""

from typing import Any

import pytest

from orchestrator.errors import LedgerOutdatedError, StoreUnavailableError
from workers.keeping import Keeping


class Part:
    """Ledger or engine, there or away."""

    def __init__(self, fault: Exception | None = None, *, answers: bool = True) -> None:
        self.fault = fault
        self.answers = answers

    async def freshness(self) -> None:
        if self.fault is not None:
            raise self.fault

    async def is_available(self) -> bool:
        return self.answers


@pytest.mark.parametrize(
    ("fault", "answers", "is_ready"),
    [
        (None, True, True),
        (None, False, False),
        (StoreUnavailableError("away"), True, False),
        (LedgerOutdatedError("0001", "0002"), True, False),
    ],
)
async def test_it_is_ready_while_ledger_and_engine_answer(fault, answers, is_ready) -> None:
    ledger: Any = Part(fault)
    assert await Keeping(Part(answers=answers), ledger, None).is_ready() is is_ready
