"""The write-behind buffer in front of the ledger: many changes in one transaction, and sagas never wait for it.

It keeps the newest snapshot of each execution. Three states of the ledger, told by how its writes end:

- *well*: what is given is written within `pause`.
- *slow*: the buffer fills; when it is half full, `admitted` holds back new executions until there is room.
- *away*: writes fail or take longer than `patience`. Sagas go on. The buffer keeps what it can; when it is full,
  snapshots of further executions are dropped and counted, and the ledger is marked stale, so that the reconciler
  fetches them from Temporal.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections import deque
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from orchestrator.errors import LedgerOutdatedError, StoreUnavailableError
from orchestrator.service.about import ids
from orchestrator.service.records import moment, place
from orchestrator.together import stop

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from orchestrator.service.ports import LedgerWriter
    from orchestrator.service.records import MessageRecord, Snapshot

log = logging.getLogger(__name__)

SNAPSHOTS_AT_ONCE = 100
"""In one transaction; their rows are made on the event loop, which is held for about 10 ms."""
MESSAGES_AT_ONCE = 1_000
PAUSE = timedelta(milliseconds=400)
"""A transaction costs as much as ten of its rows."""
PATIENCE = timedelta(seconds=10)
LONGEST_REST_S = 5.0

AWAY = (StoreUnavailableError, LedgerOutdatedError)
"""Nothing can be written now, whatever it is."""

Run: TypeAlias = tuple[str, str]
"""Execution id and run id: journals of two runs are not mixed."""
Gap: TypeAlias = tuple[int, int]
"""The first and the last change that was dropped, epoch milliseconds."""


@dataclass(slots=True)
class BufferCounts:
    """What became of changes; `given` is the sum of the others and of those that wait.

    Attributes:
        replaced: a newer one came before it was written. `refused`: the database does not take it (a fault of ours).
        transactions: how many it took.
    """

    given: int = 0
    replaced: int = 0
    written: int = 0
    dropped: int = 0
    refused: int = 0
    messages: int = 0
    messages_dropped: int = 0
    transactions: int = 0


class LedgerBuffer:
    """Open it with `async with`; at the end of the block it writes what is left, for at most `patience`.

    Args:
        writer: the ledger.
        limit: executions whose snapshots it keeps; ten times as many messages.
        pause: how long it collects before it writes.
        patience: a write that takes longer counts as none.
    """

    def __init__(
        self, writer: LedgerWriter, *, limit: int, pause: timedelta = PAUSE, patience: timedelta = PATIENCE
    ) -> None:
        self.counts = BufferCounts()
        self._writer = writer
        self._limit = limit
        self._pause = pause.total_seconds()
        self._patience = patience.total_seconds()
        self._lock = threading.Lock()
        self._waiting: dict[Run, Snapshot] = {}
        self._messages: deque[MessageRecord] = deque()
        self._lost: Gap | None = None
        self._is_away = False
        self._news = asyncio.Event()
        self._room = asyncio.Condition()
        self._at_work = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._writing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._writing = asyncio.create_task(self._write_on())
        return self

    async def __aexit__(self, *_: object) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                async with self._at_work:  # a transaction that is broken off may keep the database locked
                    self._stop()
        if self._writing is not None:
            await stop(self._writing)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                while self.backlog and await self._write_some():
                    pass
        if self.backlog:
            log.warning("%s changes were not written to the ledger: the reconciler fetches them", self.backlog)

    def _stop(self) -> None:
        if self._writing is not None:
            self._writing.cancel()

    @property
    def backlog(self) -> int:
        """Snapshots that wait, and whether messages do."""
        return len(self._waiting) + bool(self._messages)

    @property
    def waiting(self) -> int:
        """Snapshots that wait."""
        return len(self._waiting)

    @property
    def is_away(self) -> bool:
        """Whether the last write failed."""
        return self._is_away

    def give(self, snapshot: Snapshot) -> None:
        """Take a snapshot. From any thread; never waits."""
        run = (snapshot.execution_id, snapshot.position.run_id)
        with self._lock:
            self.counts.given += 1
            before = self._waiting.get(run)
            if before is not None:
                self.counts.replaced += 1
                self._waiting[run] = merged(before, snapshot)
            elif len(self._waiting) < self._limit:
                self._waiting[run] = snapshot
            else:
                self.counts.dropped += 1
                self._lost = _around(self._lost, (snapshot.changed_ms, snapshot.changed_ms))
        self._tell()

    def record(self, message: MessageRecord) -> None:
        """Take a message. From any thread; never waits."""
        with self._lock:
            if len(self._messages) < 10 * self._limit:
                self._messages.append(message)
            else:
                self.counts.messages_dropped += 1
        self._tell()

    async def admitted(self) -> None:
        """Wait while the buffer is half full, unless the ledger is away: then sagas go on without it."""
        if not self._holds_back():
            return
        async with self._room:
            await self._room.wait_for(lambda: not self._holds_back())

    def _holds_back(self) -> bool:
        return not self._is_away and len(self._waiting) * 2 >= self._limit

    @property
    def _fills_one(self) -> bool:
        return len(self._waiting) >= SNAPSHOTS_AT_ONCE or len(self._messages) >= MESSAGES_AT_ONCE

    def _tell(self) -> None:
        if self._loop is not None and not self._news.is_set():
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody writes any more
                self._loop.call_soon_threadsafe(self._news.set)

    async def _write_on(self) -> None:
        rest = self._pause
        while True:
            await self._news.wait()
            await asyncio.sleep(rest)
            self._news.clear()
            # What comes while a transaction is written waits for the next one, unless it fills one by itself.
            while await self._write_some() and self._fills_one:
                pass
            if self.backlog:
                self._news.set()
            rest = min(rest * 2, LONGEST_REST_S) if self._is_away else self._pause

    async def _write_some(self) -> bool:
        """Write one transaction; whether that was possible."""
        async with self._at_work:
            return await self._written()

    async def _written(self) -> bool:
        snapshots, messages, lost = self._take()
        try:
            async with asyncio.timeout(self._patience):
                if lost:
                    await self._writer.mark_stale(*map(moment, lost))
                    lost = None
                written, heard = await self._write(snapshots, messages)
        except (*AWAY, TimeoutError) as error:
            self._put_back(snapshots, messages, lost)
            await self._set_away(str(error) or "a write takes too long")
            return False
        except asyncio.CancelledError:
            self._put_back(snapshots, messages, lost)
            raise
        # Not before: what an outage breaks off is written again, and counts once.
        self.counts.written += written
        self.counts.refused += len(snapshots) - written
        self.counts.messages += heard
        await self._set_away("")
        return True

    async def _write(self, snapshots: Sequence[Snapshot], messages: Sequence[MessageRecord]) -> tuple[int, int]:
        """In one transaction; singly, if a row is refused: it must not keep out the others. How many were written."""
        try:
            await self._writer.write(snapshots, messages)
        except AWAY:
            raise
        except Exception:
            if len(snapshots) + len(messages) == 1:
                refused = [one.execution_id for one in snapshots] + [one.execution_id for one in messages]
                log.exception("the ledger refuses %s", refused[0], extra=ids(refused[0]))
                return 0, 0
            log.exception("the ledger refused %s changes at once: they are written one by one", len(snapshots))
            written = [await self._write([snapshot], []) for snapshot in snapshots]
            written += [await self._write([], [message]) for message in messages]
            return sum(one for one, _ in written), sum(one for _, one in written)
        self.counts.transactions += 1
        return len(snapshots), len(messages)

    def _take(self) -> tuple[list[Snapshot], list[MessageRecord], Gap | None]:
        with self._lock:
            runs = list(self._waiting)[:SNAPSHOTS_AT_ONCE]
            snapshots = [self._waiting.pop(run) for run in runs]
            messages = [self._messages.popleft() for _ in range(min(MESSAGES_AT_ONCE, len(self._messages)))]
            lost, self._lost = self._lost, None
        return snapshots, messages, lost

    def _put_back(self, snapshots: Sequence[Snapshot], messages: Sequence[MessageRecord], lost: Gap | None) -> None:
        with self._lock:
            for one in snapshots:
                run = (one.execution_id, one.position.run_id)
                newer = self._waiting.get(run)
                self._waiting[run] = one if newer is None else merged(one, newer)
                self.counts.replaced += newer is not None
            self._messages.extendleft(reversed(messages))
            if lost:
                self._lost = _around(self._lost, lost)

    async def _set_away(self, why: str) -> None:
        if bool(why) != self._is_away:
            self._is_away = bool(why)
            log.warning("the ledger is away (%s): sagas go on" if why else "the ledger is back%s", why)
        async with self._room:
            self._room.notify_all()


def _around(one: Gap | None, other: Gap) -> Gap:
    """Both, and what lies between them."""
    return other if one is None else (min(one[0], other[0]), max(one[1], other[1]))


def merged(first: Snapshot, second: Snapshot) -> Snapshot:
    """The newer of two snapshots of one run, with what both were told."""
    newer = second if place(second) >= place(first) else first
    return replace(newer, journal=first.journal + second.journal)
