"""Starts executions by request, in place of an event on the broker: the same contract, the same key, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from orchestrator.contracts.catalogue import Catalogue
from orchestrator.errors import InvalidRequestError, MessageError, RefusedCommandError, SchemaMismatchError
from orchestrator.messages import Envelope, new_traceparent, short_hash
from orchestrator.service.access import Permission
from orchestrator.service.auditing import AuditEntry
from orchestrator.service.operating import REFUSALS
from orchestrator.service.ports import Delivery
from orchestrator.service.reasons import check_words
from orchestrator.service.records import IN_FLIGHT, milliseconds
from orchestrator.service.routing import Routes

if TYPE_CHECKING:
    from orchestrator.service.access import Caller
    from orchestrator.service.definitions import Definitions
    from orchestrator.service.operating import World
    from orchestrator.service.ports import Executions
    from orchestrator.service.switches import Switches

SOURCE = "saga-api"
LOOK_EVERY = timedelta(milliseconds=200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be started.

    Attributes:
        saga: by name; the newest version is started.
        input: the content of the event that starts it.
        key: idempotency key: the event's id follows from it, so the same key again is the same event.
    """

    saga: str
    input: Any
    reason: str
    key: str
    correlation_id: str = ""


@dataclass(frozen=True, slots=True)
class Begun:
    """An execution that was asked for; `is_new` is False if it runs or has run already by the same event."""

    execution_id: str
    is_new: bool


class Starting:
    """The use case; audited."""

    def __init__(self, world: World, definitions: Definitions, executions: Executions, switches: Switches) -> None:
        self._definitions = definitions
        self._executions = executions
        self._switches = switches
        self._ledger = world.ledger
        self._register = world.register
        self._clock = world.clock

    async def start(self, caller: Caller, wish: Wish) -> Begun:
        """Start it; it is durable when this returns.

        Raises:
            DeniedError, SagaNotFoundError: not by this caller, or nobody knows the saga.
            InvalidRequestError: the input does not fit its contract, or names no execution.
            RefusedCommandError: starts are held, or an execution of this key was started by something else.
            EngineUnavailableError, StoreUnavailableError: a server is away; the same call again is safe.
        """
        execution_id = wish.saga
        try:
            caller.require(Permission.START, wish.saga)
            check_words(wish.reason, wish.key)
            await self._check_held(wish.saga)
            envelope, execution_id, payload = self._event(caller, wish)
            plan = self._definitions.saga(caller, wish.saga).plan
            delivery = await self._executions.start(plan, execution_id, envelope, payload)
            if delivery is Delivery.CONFLICT:
                raise RefusedCommandError("start", f"{execution_id} exists: another event has started it")
        except REFUSALS as error:
            await self._note(caller, wish, execution_id, refusal=str(error))
            raise
        await self._note(caller, wish, execution_id)
        return Begun(execution_id, is_new=delivery is Delivery.STARTED)

    def _event(self, caller: Caller, wish: Wish) -> tuple[Envelope, str, Any]:
        saga = self._definitions.saga(caller, wish.saga)
        body = to_json(wish.input)
        try:
            payload = Catalogue([saga.starts_on]).validate(saga.starts_on.message_type, body)
            target = Routes.of([saga.plan]).find(saga.starts_on.message_type, payload)[0]
        except SchemaMismatchError as error:
            raise InvalidRequestError([("/input", problem) for problem in error.problems]) from None
        except MessageError as error:
            raise InvalidRequestError([("/input", str(error))]) from None
        envelope = Envelope(
            id=short_hash(caller.actor, wish.key),
            source=SOURCE,
            type=saga.starts_on.message_type,
            version=saga.starts_on.message_versions.newest,
            body=body,
            correlation_id=wish.correlation_id,
            traceparent=new_traceparent(),
        )
        return envelope, target.execution_id, payload

    async def ended_within(self, execution_id: str, patience: timedelta) -> bool:
        """Wait until the ledger shows an execution's end; False: it still goes on after `patience`.

        Raises:
            StoreUnavailableError: the ledger is away.
        """
        until = self._clock.now() + patience
        while not await self._has_ended(execution_id):
            if self._clock.now() >= until:
                return False
            await self._clock.sleep(LOOK_EVERY)
        return True

    async def _has_ended(self, execution_id: str) -> bool:
        found = await self._ledger.find(execution_id)
        return found is not None and found.row.status not in IN_FLIGHT

    async def _check_held(self, saga: str) -> None:
        for switch in await self._switches.all():
            if (switch.kind, switch.name) == ("starts", saga):
                raise RefusedCommandError("start", f"starts of {saga!r} are held by {switch.actor}: {switch.reason}")

    async def _note(self, caller: Caller, wish: Wish, target: str, *, refusal: str = "") -> None:
        entry = AuditEntry(
            at_ms=milliseconds(self._clock.now()),
            actor=caller.actor,
            role=caller.role.value,
            what="start",
            target=target,
            result="refused" if refusal else "accepted",
            reason=wish.reason,
            text=refusal,
            origin=caller.origin,
        )
        await self._register.note(entry)
