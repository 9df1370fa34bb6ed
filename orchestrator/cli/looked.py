"""One execution as commands show it: from Temporal while it answers, else from the ledger, and then as of when."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from orchestrator.engine.execution import Execution
from orchestrator.errors import (
    EngineUnavailableError,
    LedgerOutdatedError,
    OrchestratorError,
    RefusedCommandError,
    StoreUnavailableError,
)
from orchestrator.service.access import Permission
from orchestrator.service.offering import offered
from orchestrator.service.records import saga_of
from orchestrator.service.rules import OPERATIONS, Action
from orchestrator.service.subjects import by_engine_alone

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from orchestrator.cli.desk import Desk
    from orchestrator.service.access import Caller
    from orchestrator.service.live import Live
    from orchestrator.service.reading import AsOf, Reading
    from orchestrator.service.records import Gone, Status
    from orchestrator.service.subjects import Subject
    from orchestrator.service.use_cases import Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """An execution as it stands.

    Attributes:
        status: the word of lists. `word`: the same for people; of one that was ended from outside, how.
        in_doubt: of such a one, the steps that a lost attempt may have begun.
        as_of: how far the ledger can be trusted; None = Temporal itself was asked. `why`: why it was not.
        without_ledger: why Temporal alone was asked; empty = the ledger can be used.
        by_history: it goes on, but no worker answered for it.
    """

    execution: Execution
    status: Status
    word: str
    in_doubt: tuple[str, ...]
    window_ends: datetime | None
    actions: tuple[Action, ...]
    as_of: AsOf | None = None
    why: str = ""
    without_ledger: str = ""
    by_history: bool = False

    @property
    def source(self) -> str:
        """Who told it."""
        return "ledger" if self.as_of else "temporal"

    @property
    def is_makeshift(self) -> bool:
        """Whether a server is away that would have told more."""
        return bool(self.as_of or self.without_ledger)


Look: TypeAlias = "Callable[[], Awaitable[Looked]]"
AWAY = (EngineUnavailableError, StoreUnavailableError, LedgerOutdatedError)
"""What a look may raise while a server is away."""


async def look(desk: Desk, execution_id: str) -> Looked:
    """An execution, wherever it is known. Errors: see `begin_looking`."""
    async with AsyncExitStack() as stack:
        return (await begin_looking(stack, desk, execution_id))[1]


async def begin_looking(stack: AsyncExitStack, desk: Desk, execution_id: str) -> tuple[Look, Looked]:
    """How to look at an execution again, by whatever answers now, and the first look.

    Args:
        stack: holds open what is needed for it.
        desk: opens it.
        execution_id: which.

    Raises:
        ExecutionNotFoundError: nobody knows it.
        StoreUnavailableError, LedgerOutdatedError: the ledger cannot be used, and Temporal does not answer, or does not
            know it (any more).
    """
    caller = desk.caller
    try:
        service = await stack.enter_async_context(desk.service())
        again = partial(_look_by, caller, service, execution_id)
        return again, await again()
    except EngineUnavailableError as error:
        records = await stack.enter_async_context(desk.reading())
        kept = partial(_kept, caller, records.reading, execution_id, str(error))
        return kept, await kept()
    except (StoreUnavailableError, LedgerOutdatedError) as error:
        live = await stack.enter_async_context(desk.live())
        alone = partial(_by_engine_alone, caller, live, execution_id, error)
        return alone, await alone()


async def _look_by(caller: Caller, service: Service, execution_id: str) -> Looked:
    try:
        subject = await service.operating.find(caller, execution_id)
    except RefusedCommandError as error:  # Temporal has forgotten it before its end was confirmed
        return await _kept(caller, service.reading, execution_id, error.reason)
    return _as_seen(subject, offered(caller, subject, subject.status, service.world.clock.now()))


async def _by_engine_alone(caller: Caller, live: Live, execution_id: str, missing: OrchestratorError) -> Looked:
    """As Temporal has it. Nothing can be done to it meanwhile, since every operation is written down first."""
    for permission in (Permission.READ, Permission.PAYLOAD):
        caller.require(permission, saga_of(execution_id))
    seen = await live.look(execution_id)
    if seen is None:
        raise missing
    none = tuple(Action(one, allowed=False, why_not="the ledger cannot be used now") for one in OPERATIONS)
    return replace(_as_seen(by_engine_alone(seen), none), without_ledger=str(missing))


def _as_seen(subject: Subject, may: tuple[Action, ...]) -> Looked:
    return Looked(
        execution=subject.execution,
        status=subject.status,
        word=_word(subject.seen.gone) or subject.execution.word,
        in_doubt=subject.seen.in_doubt,
        window_ends=subject.window_ends,
        actions=may,
        by_history=subject.seen.by_history,
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
