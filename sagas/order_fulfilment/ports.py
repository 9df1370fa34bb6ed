"""What the saga's own actions need; workers give implementations that keep books."""

from __future__ import annotations

from typing import Protocol


class LabelPrinter(Protocol):
    """Prints and voids labels. The same key prints once."""

    async def print(self, order_id: str, key: str) -> str:
        """Print an order's label; its id."""
        ...

    async def void(self, order_id: str, forward_key: str) -> None:
        """Void what `forward_key` printed, if it printed anything, and let it print nothing later."""
        ...


class PackingBench(Protocol):
    """Packs and unpacks parcels. The same key packs once."""

    async def pack(self, order_id: str, key: str) -> str:
        """Pack an order's parcel; its id."""
        ...

    async def unpack(self, order_id: str, forward_key: str) -> None:
        """Unpack what `forward_key` packed, if it packed anything, and let it pack nothing later."""
        ...
