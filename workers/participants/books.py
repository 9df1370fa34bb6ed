"""The participants' own books: one row per effective do or undo. The demo's accounting reads only these."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Column, Integer, MetaData, String, Table, func, insert, select

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

tables = MetaData()
effects = Table(
    "effects",
    tables,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("run", String(40), nullable=False, index=True),
    Column("order_id", String(120), nullable=False, index=True),
    Column("what", String(20), nullable=False),
    Column("forward_key", String(400), nullable=False, index=True),
    Column("direction", String(4), nullable=False),
    Column("amount", Integer, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Effect:
    """One effective do or undo. `amount`: pieces or cents, always positive."""

    order_id: str
    what: str
    forward_key: str
    direction: str
    amount: int


async def enter(connection: AsyncConnection, effect: Effect) -> None:
    """Write an effect into the books, in the caller's transaction."""
    values = {
        "run": run_of(effect.order_id),
        "order_id": effect.order_id,
        "what": effect.what,
        "forward_key": effect.forward_key,
        "direction": effect.direction,
        "amount": effect.amount,
    }
    await connection.execute(insert(effects).values(values))


async def amount_done(connection: AsyncConnection, forward_key: str) -> int:
    """What the forward call of this key did, so that its undo gives back exactly that."""
    wanted = select(func.coalesce(func.sum(effects.c.amount), 0))
    done = wanted.where(effects.c.forward_key == forward_key, effects.c.direction == "do")
    return int((await connection.execute(done)).scalar_one())


async def read_run(engine: AsyncEngine, run: str) -> list[Effect]:
    """All effects of one run of the demo, in order."""
    async with engine.connect() as connection:
        rows = await connection.execute(select(effects).where(effects.c.run == run).order_by(effects.c.number))
        return [Effect(row.order_id, row.what, row.forward_key, row.direction, row.amount) for row in rows]


def doubles(entries: list[Effect]) -> int:
    """How many effects were made more than once for one key and direction."""
    counted = Counter((entry.what, entry.forward_key, entry.direction) for entry in entries)
    return sum(times - 1 for times in counted.values() if times > 1)


def run_of(order_id: str) -> str:
    """The demo's run that an order belongs to: what stands before the first dash."""
    return order_id.partition("-")[0]
