"""Signals that something has changed, for everybody who watches: the ledger is asked once for all of them.

A signal says that something changed, never what: whoever gets it reads again. So none is lost for good, and several
changes of one execution may be told as one.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, get_args

from orchestrator.errors import StoreUnavailableError, TooManyStreamsError
from orchestrator.service.access import Permission
from orchestrator.service.records import Filter, milliseconds, moment
from orchestrator.together import stop

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Mapping
    from types import TracebackType
    from typing import Self

    from orchestrator.service.access import Caller
    from orchestrator.service.ports import LedgerReader
    from orchestrator.service.records import ExecutionRow

log = logging.getLogger(__name__)
EVERY = timedelta(milliseconds=400)
"""With the ledger's own pause before it writes, a change is on the open page of its execution within a second."""
MOST_AT_ONCE = 800
"""If more have changed, watchers are told to read everything again."""
LATE_MS = 15_000
"""A change may be written so much later than it happened, milliseconds: its writer was busy, or its clock is behind."""
NEAR_MS, FAR_EVERY = 2_000, 10
"""Nearly all are written at once: so far back each look goes, milliseconds; every tenth one goes back by `LATE_MS`."""
OLDEST_MS = 300_000
"""Whoever was away for longer is told to read everything again."""
MOST_WAITING = 1_000
Topic: TypeAlias = Literal["executions", "parked", "operations", "bulks"]
TOPICS: frozenset[Topic] = frozenset(get_args(Topic))
RIGHTS: Mapping[Topic, Permission] = MappingProxyType(
    {
        "executions": Permission.READ,
        "parked": Permission.PARKED_READ,
        "operations": Permission.READ,
        "bulks": Permission.BULK,
    }
)
"""Who is told of a topic. Only of executions it is told which; whoever reads again sees what they may see."""


class Pulse(Protocol):
    """Feels whether anything has happened beside executions. Raises `StoreUnavailableError`."""

    async def marks(self) -> Mapping[Topic, str]:
        """By topic a text that is another once something of it has changed."""
        ...


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing to tell.

    Attributes:
        number: place in the stream: whoever has this one has all before it.
        kind: `ready` = from here on nothing is missed; `changed` = this execution, or something of the topic;
            `reset` = anything may have changed.
    """

    number: int
    kind: Literal["ready", "changed", "reset"]
    row: ExecutionRow | None = None
    topic: Topic = "executions"


@dataclass(slots=True)
class _Watcher:
    caller: Caller
    execution_id: str
    topics: frozenset[Topic]
    waiting: asyncio.Queue[Signal] = field(default_factory=lambda: asyncio.Queue[Signal](MOST_WAITING))

    def tell(self, signal: Signal) -> None:
        if signal.kind == "changed" and not self._wants(signal):
            return
        if self.waiting.full():  # they read too slowly: everything is read again instead
            while not self.waiting.empty():
                self.waiting.get_nowait()
            signal = Signal(signal.number, "reset")
        self.waiting.put_nowait(signal)

    def _wants(self, signal: Signal) -> bool:
        saga = None if signal.row is None else signal.row.saga
        if signal.topic not in self.topics or not self.caller.may(RIGHTS[signal.topic], saga):
            return False
        return signal.row is None or self.execution_id in ("", signal.row.execution_id)


class Feed:
    """Watches the ledger while somebody watches it. Open it with `async with`.

    Args:
        ledger: what is watched.
        pulse: what is watched beside executions, if anything.
        every: pause between two looks.
        per_caller: streams that one actor may hold open.
    """

    def __init__(
        self, ledger: LedgerReader, pulse: Pulse | None = None, *, every: timedelta = EVERY, per_caller: int = 10
    ) -> None:
        self._ledger = ledger
        self._pulse = pulse
        self._marks: Mapping[Topic, str] = {}
        self._every = every.total_seconds()
        self._per_caller = per_caller
        self._watchers: list[_Watcher] = []
        self._told: dict[str, tuple[int, int, str]] = {}
        self._newest_ms = 0
        self._looks = 0
        self._looking: asyncio.Task[None] | None = None
        self._wanted = asyncio.Event()
        self.is_closing = False

    async def __aenter__(self) -> Self:
        """Begin to watch."""
        self._looking = asyncio.create_task(self._keep_looking())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Watch no more."""
        if self._looking is not None:
            await stop(self._looking)

    def close(self) -> None:
        """Let every watcher go: the process ends, and whoever comes back is told what they missed."""
        self.is_closing = True
        self._tell(Signal(self._newest_ms, "reset"))

    @asynccontextmanager
    async def watch(
        self,
        caller: Caller,
        execution_id: str = "",
        *,
        topics: frozenset[Topic] = TOPICS,
        since: int | None = None,
    ) -> AsyncGenerator[asyncio.Queue[Signal]]:
        """Signals for a caller while the block runs, those missed `since` a number first.

        Of one execution and of nothing else, or of all and the other topics that they may see.

        Raises:
            DeniedError: they may not read executions, or not this one.
            TooManyStreamsError: they hold too many streams open.
        """
        caller.require(Permission.READ, execution_id.partition(":")[0] or None)
        if sum(one.caller.actor == caller.actor for one in self._watchers) >= self._per_caller:
            raise TooManyStreamsError(self._per_caller)
        watcher = _Watcher(caller, execution_id, frozenset({"executions"}) if execution_id else topics)
        self._watchers.append(watcher)
        try:
            await self.look()
            watcher.tell(Signal(self._newest_ms, "ready"))
            for signal in await self._missed(since) if since is not None else ():
                watcher.tell(signal)
            self._wanted.set()
            yield watcher.waiting
        finally:
            self._watchers.remove(watcher)

    async def look(self) -> None:
        """Ask the ledger once, and tell everybody what is new."""
        await self._look_at_executions()
        if self._pulse is not None:
            before, self._marks = self._marks, await self._pulse.marks()
            for topic, mark in self._marks.items():
                if before.get(topic, mark) != mark:
                    self._tell(Signal(self._newest_ms, "changed", topic=topic))

    async def _look_at_executions(self) -> None:
        if self._newest_ms == 0:
            self._newest_ms = await self._now_ms()
            self._remember(await self._changed_since(self._newest_ms - LATE_MS) or ())
            return
        self._looks += 1
        found = await self._changed_since(self._newest_ms - (NEAR_MS if self._looks % FAR_EVERY else LATE_MS))
        if found is None:
            self._newest_ms = await self._now_ms()
            self._told.clear()
            self._tell(Signal(self._newest_ms, "reset"))
            return
        for row in self._remember(found):
            self._tell(Signal(self._newest_ms, "changed", row))

    def _remember(self, found: Iterable[ExecutionRow]) -> list[ExecutionRow]:
        """Those that were not told as they are now, the oldest change first."""
        new: list[ExecutionRow] = []
        for row in reversed(tuple(found)):
            stands = (milliseconds(row.changed), row.revision, row.status)
            if self._told.get(row.execution_id) != stands:
                self._told[row.execution_id] = stands
                new.append(row)
                self._newest_ms = max(self._newest_ms, stands[0])
        oldest = self._newest_ms - LATE_MS
        self._told = {name: stands for name, stands in self._told.items() if stands[0] >= oldest}
        return new

    async def _missed(self, since: int) -> list[Signal]:
        now_ms = await self._now_ms()
        since = min(since, now_ms)
        found = None if now_ms - since > OLDEST_MS else await self._changed_since(since - LATE_MS)
        if found is None:
            return [Signal(now_ms, "reset")]
        rows = [Signal(max(since, milliseconds(row.changed)), "changed", row) for row in reversed(found)]
        # Nobody remembers what happened beside executions: all of it is read again.
        others: list[Topic] = [topic for topic in self._marks if topic != "executions"]
        return [*rows, *(Signal(self._newest_ms, "changed", topic=topic) for topic in others)]

    async def _changed_since(self, since_ms: int) -> tuple[ExecutionRow, ...] | None:
        """The newest first; None if there are too many."""
        page = await self._ledger.page(Filter(changed_after=moment(max(0, since_ms))), limit=MOST_AT_ONCE)
        return None if page.following is not None else page.rows

    async def _now_ms(self) -> int:
        """Of the newest change: the ledger's clock is that of its writers."""
        newest = await self._ledger.page(Filter(), limit=1)
        return milliseconds(newest.rows[0].changed) if newest.rows else 1

    def _tell(self, signal: Signal) -> None:
        for watcher in self._watchers:
            watcher.tell(signal)

    async def _keep_looking(self) -> None:
        while True:
            if not self._watchers:
                self._newest_ms, self._marks = 0, {}  # what happens while nobody watches is told to nobody
                self._wanted.clear()
                await self._wanted.wait()
            try:
                await self.look()
            except StoreUnavailableError as error:
                log.warning("changes cannot be read (%s): they are told when the ledger is back", error)
            except Exception:
                # Whatever it is, it must not end the feed without a word: pages would go on looking live.
                log.exception("changes could not be looked at; the next look tries again")
            await asyncio.sleep(self._every)
