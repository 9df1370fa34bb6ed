"""The audit's chain in a transaction of somebody else: what is done and its row are stored together, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    chain = Chain(head, seal)
    chain.append(entry)
    await chain.close(connection)


class Chain:
    """The audit's rows of one transaction, behind the head that it has locked; written together at its end."""

    def __init__(self, head: Head, seal: Seal) -> None:
        self._head = head
        self._seal = seal
        self._rows: list[dict[str, Any]] = []

    @classmethod
    async def locked(cls, connection: AsyncConnection, seal: Seal) -> Chain:
        """The chain, which nobody else lengthens until the transaction ends."""
        return cls(await lock(connection), seal)

    def append(self, entry: AuditEntry) -> None:
        """One row more."""
        row = chained(self._head, entry)
        self._head, kept = Head(row.number, row.hash), row.entry
        values = {name: getattr(kept, name) for name in ENTRY}
        sealed = {"reason": self._close(kept.reason), "text": self._close(kept.text)}
        self._rows.append({**values, **sealed, "number": row.number, "previous": row.previous, "hash": row.hash})

    async def close(self, connection: AsyncConnection) -> None:
        """Write the rows and where the chain ends now."""
        if self._rows:
            await connection.execute(insert(audit), self._rows)
            await connection.execute(update(audit_head).values(number=self._head.number, hash=self._head.hash))

    def _close(self, text: str) -> bytes:
        return self._seal.close(text.encode())
