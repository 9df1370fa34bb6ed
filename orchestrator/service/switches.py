"""Kill switches: hold new starts of one saga, or commands to one participant, until somebody lets them go on.

Held starts wait in the broker and begin in the end. A command that is held is not sent: its step is parked (or its undo
stuck) with the switch's reason, so nothing runs into its limit unseen; `resume`, one by one or in bulk, goes on.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from orchestrator.errors import DeniedError, InvalidRequestError, RefusedCommandError, StoreUnavailableError
from orchestrator.service.access import Permission
from orchestrator.service.auditing import AuditEntry
from orchestrator.service.operating import REFUSALS
from orchestrator.service.reasons import check_reason
from orchestrator.service.records import milliseconds
from orchestrator.together import stop

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta
    from types import TracebackType
    from typing import Self

    from orchestrator.saga.definition import Saga
    from orchestrator.service.access import Caller
    from orchestrator.service.operations import Clock, Register

log = logging.getLogger(__name__)
Kind: TypeAlias = Literal["starts", "commands"]
Wanted: TypeAlias = Literal["hold", "hold new", "let go"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """Something that is held: starts of the saga, or commands to the participant, of this name."""

    kind: Kind
    name: str
    actor: str
    reason: str
    at_ms: int


class Switches(Protocol):
    """Keeps switches. Every method raises `StoreUnavailableError`."""

    async def all(self) -> tuple[Switch, ...]:
        """Everything that is held, by kind and name."""
        ...

    async def set(self, switch: Switch, entry: AuditEntry) -> bool:
        """Hold it, with its audit entry in one transaction; False, and nothing stored, if it was held already."""
        ...

    async def clear(self, kind: Kind, name: str, entry: AuditEntry) -> bool:
        """Let it go on, likewise; False if it was not held."""
        ...

    async def known(self, kind: Kind) -> frozenset[str]:
        """Names of sagas, or of participants, in the plans by which executions have run."""
        ...


class Switching:
    """The use cases of switches, each audited. `sagas`: those of this process, whose names are known too."""

    def __init__(self, switches: Switches, register: Register, clock: Clock, sagas: Iterable[Saga] = ()) -> None:
        self._switches = switches
        self._register = register
        self._clock = clock
        self._sagas = tuple(sagas)

    async def suspend(self, caller: Caller, kind: Kind, name: str, reason: str, *, is_new: bool = False) -> None:
        """Hold starts of a saga, or commands to a participant.

        Args:
            caller: who does it.
            kind: what is held.
            name: of the saga or participant. One that nobody knows would hold nothing, and nobody would notice.
            reason: why.
            is_new: the name may be one that nothing has run by yet.

        Raises:
            DeniedError, InvalidRequestError: not by this caller, without a reason, or by a name that nobody knows.
            RefusedCommandError: it is held already.
        """
        await self._turn(caller, kind, name, reason, wanted="hold new" if is_new else "hold")

    async def resume(self, caller: Caller, kind: Kind, name: str, reason: str) -> None:
        """Let them go on. Errors: see `suspend`."""
        await self._turn(caller, kind, name, reason, wanted="let go")

    async def all(self, caller: Caller) -> tuple[Switch, ...]:
        """What is held, as far as the caller may know.

        Raises:
            DeniedError: they may see nothing.
        """
        caller.require(Permission.READ)
        held = await self._switches.all()
        return tuple(one for one in held if one.kind == "commands" or caller.may(Permission.READ, one.name))

    async def _turn(self, caller: Caller, kind: Kind, name: str, reason: str, *, wanted: Wanted) -> None:
        is_held = wanted != "let go"
        what = f"{'suspend' if is_held else 'resume'} {kind}"
        entry = AuditEntry(
            at_ms=milliseconds(self._clock.now()),
            actor=caller.actor,
            role=caller.role.value,
            what=what,
            target=f"{kind}:{name}",
            result="accepted",
            reason=reason,
            origin=caller.origin,
        )
        try:
            caller.require(Permission.SWITCH, name if kind == "starts" else None)
            if kind == "commands" and caller.sagas is not None:  # a participant serves many sagas, theirs and others
                raise DeniedError(actor=caller.actor, permission=Permission.SWITCH.value, saga="*")
            check_reason(reason)
            if wanted == "hold":
                await self._check_known(caller, kind, name)
            if not await self._turned(kind, name, entry, is_held=is_held):
                raise RefusedCommandError(what, f"{name!r} is {'held already' if is_held else 'not held'}")
        except REFUSALS as error:
            await self._register.note(replace(entry, result="refused", text=str(error)))
            raise

    async def _check_known(self, caller: Caller, kind: Kind, name: str) -> None:
        here = {part for saga in self._sagas for part in ((saga.name,) if kind == "starts" else saga.participants)}
        known = here | await self._switches.known(kind)
        if name not in known:
            told = sorted(one for one in known if kind == "commands" or caller.may(Permission.READ, one))
            nearest = get_close_matches(name, told, n=1)
            hint = f"did you mean {nearest[0]!r}?" if nearest else f"known are {', '.join(told) or 'none'}"
            raise InvalidRequestError([("/name", f"nothing has run by the name {name!r} yet: {hint}")])

    async def _turned(self, kind: Kind, name: str, entry: AuditEntry, *, is_held: bool) -> bool:
        if not is_held:
            return await self._switches.clear(kind, name, entry)
        switch = Switch(kind=kind, name=name, actor=entry.actor, reason=entry.reason, at_ms=entry.at_ms)
        return await self._switches.set(switch, entry)


class SwitchBoard:
    """What is held, as one process knows it: read again every `every`; while the store is away the last known holds."""

    def __init__(self, switches: Switches, every: timedelta) -> None:
        self._switches = switches
        self._every = every
        self._held: dict[tuple[Kind, str], Switch] = {}
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Read once, then again and again."""
        await self.refresh()
        self._reading = asyncio.create_task(self._keep_reading())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Read no more."""
        if self._reading is not None:
            await stop(self._reading)

    async def refresh(self) -> None:
        """Read what is held now."""
        try:
            self._held = {(switch.kind, switch.name): switch for switch in await self._switches.all()}
        except StoreUnavailableError as error:
            log.warning("switches cannot be read (%s): what was held stays held", error)

    async def _keep_reading(self) -> None:
        while True:
            await asyncio.sleep(self._every.total_seconds())
            try:
                await self.refresh()
            except Exception:
                log.exception("switches cannot be read: what was held stays held")

    def why_held(self, kind: Kind, name: str) -> str:
        """Why it is held, for people; empty if it is not."""
        switch = self._held.get((kind, name))
        return "" if switch is None else f"{kind} of {name!r} are held by {switch.actor}: {switch.reason}"
