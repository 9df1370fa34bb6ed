"""The audit's chain in a transaction of somebody else: what is done and its row are stored together, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from orchestrator.adapters.sql.register_tables import audit, audit_head
from orchestrator.service.auditing import Head, chained

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from orchestrator.sealing import Seal
    from orchestrator.service.auditing import AuditEntry

ENTRY = ("at_ms", "actor", "role", "what", "target", "result", "operation_id", "before", "after", "origin")


async def lock(connection: AsyncConnection) -> Head:
    """The audit's head, held until the transaction ends: rows of the chain are written one after the other."""
    row = (await connection.execute(select(audit_head).with_for_update())).one()
    return Head(row.number, row.hash)


async def append(connection: AsyncConnection, seal: Seal, head: Head, entry: AuditEntry) -> None:
    """The row that follows `head`, which `lock` gave."""
    row = chained(head, entry)
    values = {name: getattr(entry, name) for name in ENTRY}
    sealed = {"reason": seal.close(entry.reason.encode()), "text": seal.close(entry.text.encode())}
    placed = {"number": row.number, "previous": row.previous, "hash": row.hash}
    await connection.execute(insert(audit).values({**values, **sealed, **placed}))
    await connection.execute(update(audit_head).values(number=row.number, hash=row.hash))
