"""One execution as commands show it: from Temporal while it answers, else from the ledger, and then as of when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.engine.execution import Execution
from orchestrator.errors import EngineUnavailableError, RefusedCommandError
from orchestrator.service.rules import actions

if TYPE_CHECKING:
    from datetime import datetime

    from orchestrator.cli.desk import Desk
    from orchestrator.service.access import Caller
    from orchestrator.service.reading import AsOf, Reading
    from orchestrator.service.records import Gone, Status
    from orchestrator.service.rules import Action
    from orchestrator.service.use_cases import Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """An execution as it stands.

    Attributes:
        status: the word of lists. `word`: the same for people; of one that was ended from outside, how.
        in_doubt: of such a one, the steps that a lost attempt may have begun.
        as_of: how far the ledger can be trusted; None = Temporal itself was asked. `why`: why it was not.
    """

    execution: Execution
    status: Status
    word: str
    in_doubt: tuple[str, ...]
    window_ends: datetime | None
    actions: tuple[Action, ...]
    as_of: AsOf | None = None
    why: str = ""


async def look(desk: Desk, execution_id: str) -> Looked:
    """An execution, wherever it is known.

    Raises:
        ExecutionNotFoundError: nobody knows it.
        StoreUnavailableError: Temporal does not answer, and the ledger is away.
    """
    try:
        async with desk.service() as service:
            return await look_by(desk.caller, service, execution_id)
    except EngineUnavailableError as error:
        async with desk.reading() as records:
            return await _kept(desk.caller, records.reading, execution_id, str(error))


async def look_by(caller: Caller, service: Service, execution_id: str) -> Looked:
    """The same with a service layer that is open.

    Raises:
        EngineUnavailableError: Temporal does not answer.
    """
    try:
        subject = await service.operating.find(caller, execution_id)
    except RefusedCommandError as error:  # Temporal has forgotten it, and its end is not confirmed yet
        return await _kept(caller, service.reading, execution_id, error.reason)
    plan = subject.execution.plan
    return Looked(
        execution=subject.execution,
        status=subject.status,
        word=_word(subject.seen.gone) or subject.execution.word,
        in_doubt=subject.seen.in_doubt,
        window_ends=subject.window_ends,
        actions=actions(caller, plan.saga, subject.status),
    )


async def _kept(caller: Caller, reading: Reading, execution_id: str, why: str) -> Looked:
    found = await reading.look(caller, execution_id)
    execution = Execution(found.plan, found.state)
    return Looked(
        execution=execution,
        status=found.row.status,
        word=_word(found.row.gone) or execution.word,
        in_doubt=found.in_doubt,
        window_ends=found.row.window_ends,
        actions=found.actions,
        as_of=found.as_of,
        why=why,
    )


def _word(gone: Gone) -> str:
    return gone.replace("_", " ").capitalize()
