"""The one search box: what a text names whole, if it does; all other texts are for the list of executions.

The shape of a text tells which kinds of things it can name, and each of those is one question, by its key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from orchestrator.errors import OperationNotFoundError, ParkedNotFoundError
from orchestrator.service.access import Permission
from orchestrator.service.records import Filter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from orchestrator.service.access import Caller
    from orchestrator.service.use_cases import Service

Kind: TypeAlias = Literal["execution", "operation", "parked operation", "bulk"]
Look: TypeAlias = "Callable[[Caller, str], Awaitable[Any]]"
WHAT_PEOPLE_DO = re.compile("[0-9a-f]{32}")
"""How ids of what people do look, whatever they do it to."""


@dataclass(frozen=True, slots=True)
class Named:
    """One thing, and its whole id."""

    kind: Kind
    id: str


async def named(service: Service, caller: Caller, text: str) -> Named | None:
    """What has exactly this id; None: nothing, or nothing that the caller may see.

    Raises:
        StoreUnavailableError: the ledger is away.
    """
    if not WHAT_PEOPLE_DO.fullmatch(text):
        return Named("execution", text) if await _is_execution(service, caller, text) else None
    looks: tuple[tuple[Kind, Permission, Look], ...] = (
        ("operation", Permission.READ, service.trail.operation),
        ("parked operation", Permission.PARKED_READ, service.parked.reading.action),
        ("bulk", Permission.BULK, service.bulking.look),
    )
    for kind, permission, look in looks:
        if caller.may(permission) and await _is_there(look(caller, text)):
            return Named(kind, text)
    return None


async def _is_execution(service: Service, caller: Caller, text: str) -> bool:
    saga, _, key = text.partition(":")
    if not (saga and key and caller.may(Permission.READ, saga)):
        return False
    found = await service.reading.page(caller, Filter(saga=saga, business_key=key), limit=1)
    return [row.execution_id for row in found.rows] == [text]


async def _is_there(look: Awaitable[Any]) -> bool:
    try:
        await look
    except (OperationNotFoundError, ParkedNotFoundError):
        return False
    return True
