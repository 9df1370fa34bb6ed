"""What effects do to what waits; whole runs are in tests/simulation."""

from collections import deque
from types import SimpleNamespace
from typing import Any

from orchestrator.adapters.temporal.clock import Agenda
from orchestrator.adapters.temporal.interpreter import Interpreter
from orchestrator.engine.effects import SetTimer
from orchestrator.engine.signals import Elapsed, Stalled

FENCE = "fence:undo:1:s2"


def test_a_timer_that_is_set_anew_does_not_ring_by_its_old_time() -> None:
    # A cancel lay before the ring; the lost attempt that it brought to light may be performed for longer.
    made: Any = Interpreter.__new__(Interpreter)
    made.execution = SimpleNamespace(word="Running")
    made._calls = SimpleNamespace(show_status=lambda _: None)
    made.agenda = Agenda()
    other, news = Elapsed("fence:undo:1:s3"), Stalled(step="s1", reason="gone")
    made.mailbox = deque([Elapsed(FENCE), other, news, Elapsed(FENCE)])
    made._carry_out([SetTimer(FENCE, 5)])
    assert list(made.mailbox) == [other, news]
    made.agenda.read(10)
    made.agenda.ring(14)
    assert made.agenda.take_due() == []
    made.agenda.ring(15)
    assert made.agenda.take_due() == [FENCE]
