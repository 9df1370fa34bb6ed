"""What the server is sure to know: the state from which a lost attempt of a workflow task may have gone on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio import workflow

from orchestrator.engine.lookahead import leaves_nothing_open, maybe_begun

if TYPE_CHECKING:
    from orchestrator.engine.execution import Execution
    from orchestrator.engine.signals import ReceivedEvent


class Recorded:
    """Remembers the state before the last news from the server, and how far back a lost attempt still matters.

    An attempt that was lost may have gone on where its repeat did not: the repeat's command found no answer, its action
    is tried again later, its step has no code here. So as long as a step is open, attempts that were lost since it was
    begun matter, not only those of the workflow task at hand (express.md, 9 and 10).

    Attributes:
        since: place in the history (event id); attempts before it do not matter. Data for the look at the history
            only, never for a decision: a replay may read another number.
        was_lost: the run that this one continues has found that an attempt was lost that still matters.
    """

    def __init__(self, execution: Execution, *, was_lost: bool = False) -> None:
        self._state = execution.copy()
        self._is_new = self._is_complete = True
        self.since = 1
        self.was_lost = was_lost

    def rest(self) -> None:
        """All news of this workflow task was taken, and all that came of it will be recorded before the next."""
        self._is_new = self._is_complete = True

    def boundary(self) -> None:
        """All that went before is recorded; there may be more news of the same workflow task."""
        self._is_new = True

    def before_news(self, execution: Execution) -> None:
        """News from the server is about to be taken; only the first since the last rest counts."""
        if not self._is_new:
            return
        self._is_new = False
        self._state = execution.copy()
        if self._is_complete and leaves_nothing_open(execution):
            self.since = workflow.info().get_current_history_length()
            self.was_lost = False
        self._is_complete = False

    def maybe_begun(self, now: Execution, trigger: ReceivedEvent, unbegun: frozenset[str]) -> tuple[str, ...]:
        """Steps that a lost attempt may have begun and `now` has not; see the engine's function of this name."""
        return maybe_begun(self._state, now, trigger, unbegun)
