"""Switches on SQL. Implements `service.switches.Switches`."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from sqlalchemy import delete, select

from orchestrator.adapters.sql.audit_chain import append, lock
from orchestrator.adapters.sql.databases import insert_of
from orchestrator.adapters.sql.inbox import outages
from orchestrator.adapters.sql.ledger_tables import plans
from orchestrator.adapters.sql.register_tables import switches
from orchestrator.saga.plan import Plan, participants
from orchestrator.sealing import OPEN
from orchestrator.service.switches import Switch

if TYPE_CHECKING:
    from sqlalchemy import Executable
    from sqlalchemy.ext.asyncio import AsyncEngine

    from orchestrator.sealing import Seal
    from orchestrator.service.auditing import AuditEntry
    from orchestrator.service.switches import Kind


class SqlSwitches:
    """Keeps switches. `engine`: one that `databases.open_engine` made, or a reading one for `all` alone."""

    def __init__(self, engine: AsyncEngine, seal: Seal = OPEN) -> None:
        self._engine = engine
        self._seal = seal
        self._insert: Any = insert_of(engine.dialect)

    async def all(self) -> tuple[Switch, ...]:
        """By kind and name."""
        wanted = select(switches).order_by(switches.c.kind, switches.c.name)
        with outages():
            async with self._engine.connect() as connection:
                rows = (await connection.execute(wanted)).all()
        return tuple(
            Switch(
                kind=row.kind,
                name=row.name,
                actor=row.actor,
                reason=self._seal.open(row.reason).decode(),
                at_ms=row.at_ms,
            )
            for row in rows
        )

    async def set(self, switch: Switch, entry: AuditEntry) -> bool:
        """Hold it, unless it is held."""
        values = {"kind": switch.kind, "name": switch.name, "actor": switch.actor, "at_ms": switch.at_ms}
        sealed = {"reason": self._seal.close(switch.reason.encode())}
        return await self._turned(self._insert(switches).values({**values, **sealed}).on_conflict_do_nothing(), entry)

    async def clear(self, kind: Kind, name: str, entry: AuditEntry) -> bool:
        """Let it go on, if it is held."""
        return await self._turned(delete(switches).where(switches.c.kind == kind, switches.c.name == name), entry)

    async def known(self, kind: Kind) -> frozenset[str]:
        """By the ledger's plans."""
        with outages():
            async with self._engine.connect() as connection:
                stored = (await connection.execute(select(plans.c.plan))).scalars().all()
        found = set[str]()
        for one in stored:
            with contextlib.suppress(ValidationError):  # of another version: what is known here need not be all
                plan = Plan.model_validate_json(one)
                found |= {plan.saga} if kind == "starts" else participants(plan)
        return frozenset(found)

    async def _turned(self, statement: Executable, entry: AuditEntry) -> bool:
        """Whether it changed anything; if so, the audit says so in the same transaction."""
        with outages():
            async with self._engine.begin() as connection:
                head = await lock(connection)
                is_turned = bool((await connection.execute(statement)).rowcount == 1)
                if is_turned:
                    await append(connection, self._seal, head, entry)
        return is_turned
