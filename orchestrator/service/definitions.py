"""The sagas that this process knows: their flows, and the contracts of what starts them and what they wait for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.errors import SagaNotFoundError
from orchestrator.service.access import Permission
from orchestrator.service.contracts import contracts_of
from orchestrator.service.records import IN_FLIGHT, Filter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orchestrator.contracts.contract import Contract
    from orchestrator.saga.definition import Saga
    from orchestrator.saga.plan import Plan
    from orchestrator.service.access import Caller
    from orchestrator.service.reading import Reading
    from orchestrator.service.records import Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One version of a saga.

    Attributes:
        place: where it is written. `participants`: whom it sends commands to.
        owner, about: who looks after it, and what it is for; empty if its author does not say.
        events: JSON Schema of every event it takes in, by message type; its trigger is `plan.trigger.event`.
    """

    plan: Plan
    place: str
    owner: str
    about: str
    participants: tuple[str, ...]
    events: dict[str, dict[str, Any]]

    @property
    def identity(self) -> tuple[str, int]:
        """Name and version."""
        return self.plan.saga, self.plan.version

    @classmethod
    def of(cls, saga: Saga) -> Definition:
        """What is told of a saga."""
        return cls(
            plan=saga.plan,
            place=saga.place,
            owner=saga.outline.owner,
            about=saga.outline.about,
            participants=saga.participants,
            events={name: event.model_json_schema() for name, event in sorted(saga.events.items())},
        )


class Definitions:
    """The use cases: sagas by name and version, and how many of their executions are in flight."""

    def __init__(self, sagas: Iterable[Saga], reading: Reading) -> None:
        self._sagas = {(saga.name, saga.version): saga for saga in sagas}
        self._reading = reading

    def all(self, caller: Caller) -> tuple[Definition, ...]:
        """Those that the caller may see, by name, the newest version first.

        Raises:
            DeniedError: they may see none.
        """
        caller.require(Permission.READ)
        names = sorted(self._sagas, key=lambda name: (name[0], -name[1]))
        return tuple(Definition.of(self._sagas[name]) for name in names if caller.may(Permission.READ, name[0]))

    def find(self, caller: Caller, name: str, version: int | None = None) -> Definition:
        """One of them, the newest version unless another is named.

        Raises:
            DeniedError: not by this caller.
            SagaNotFoundError: this process knows none.
        """
        caller.require(Permission.READ, name)
        return Definition.of(self.saga(caller, name, version))

    def saga(self, caller: Caller, name: str, version: int | None = None) -> Saga:
        """The saga itself, of whose right to it the caller was asked before.

        Raises:
            SagaNotFoundError: this process knows none; says which there are that the caller may see.
        """
        versions = [known for saga, known in self._sagas if saga == name and version in (None, known)]
        if not versions:
            raise SagaNotFoundError(name, version, known=caller.reads(saga for saga, _ in self._sagas))
        return self._sagas[name, max(versions)]

    def contracts(self, caller: Caller) -> tuple[Contract, ...]:
        """Every message of the sagas that the caller may see, by type.

        Raises:
            DeniedError: they may see none.
        """
        caller.require(Permission.READ)
        return contracts_of(saga for (name, _), saga in self._sagas.items() if caller.may(Permission.READ, name))

    async def in_flight(self, caller: Caller, versions: Sequence[tuple[str, int | None]]) -> tuple[Count, ...]:
        """How many executions of each are in flight, by name and version; None: of all versions of that name.

        Raises:
            DeniedError, StoreUnavailableError: see `Reading`.
        """
        wanted = [Filter(saga=name, version=version, statuses=IN_FLIGHT) for name, version in versions]
        return await self._reading.counts(caller, wanted)
