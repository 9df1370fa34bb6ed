"""Contracts held against a schema registry, and stored there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from orchestrator.contracts.compatibility import Finding
from orchestrator.contracts.registered import compared, registered, unasked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orchestrator.contracts.compatibility import Mode
    from orchestrator.contracts.contract import Contract
    from orchestrator.contracts.registered import Registered


class SchemaRegistry(Protocol):
    """Schemas by subject. Every method raises `RegistryError` when it does not get its answer."""

    async def latest(self, subject: str) -> Registered | None:
        """The newest schema of a subject; None if there is none."""
        ...

    async def level(self, subject: str) -> str:
        """How strictly the registry compares a subject, as `BACKWARD`."""
        ...

    async def complaints(self, subject: str, schema: Registered) -> tuple[str, ...]:
        """What the registry has against a schema as the next one of its subject."""
        ...

    async def register(self, subject: str, schema: Registered) -> int:
        """Store a schema; its id."""
        ...


async def held_against(registry: SchemaRegistry, contracts: Iterable[Contract], mode: Mode) -> tuple[Finding, ...]:
    """What today's contracts break of the registered ones. A type that is not registered breaks nothing."""
    found: list[Finding] = []
    for one in contracts:
        old, new = await registry.latest(one.type), registered(one)
        if old is None or old == new:
            continue
        found += compared(one.type, old, new, mode)
        if old.kind == new.kind != "JSON":
            found += unasked(one.type, await registry.level(one.type), mode)
            said = await registry.complaints(one.type, new)
            found += [Finding(one.type, "", "either", "breaks", text) for text in said]
    return tuple(found)


async def stored(registry: SchemaRegistry, contracts: Iterable[Contract]) -> Mapping[str, int]:
    """Register all contracts; their ids by message type."""
    return {one.type: await registry.register(one.type, registered(one)) for one in contracts}
