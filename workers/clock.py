"""The machine's own time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        """The present moment in UTC."""
        return datetime.now(UTC)

    async def sleep(self, length: timedelta) -> None:
        """Let time pass; a length that is not positive is none."""
        await asyncio.sleep(max(0.0, length.total_seconds()))
