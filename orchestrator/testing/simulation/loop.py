"""An event loop in virtual time, and processes on it that can be stopped, woken and killed.

Everything simulated runs on one loop, so one seed means one schedule. A callback belongs to the process in whose
context it was made; while that process is stopped its callbacks wait, and when it is dead they are dropped, as
SIGSTOP and SIGKILL would have it: no `finally` of a killed task has any effect on the world.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from orchestrator.wallclock import CLOCK

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

Result = TypeVar("Result")

MOST_STEPS = 200_000
"""A hundred times what the longest simulation takes."""
EPOCH = datetime(2030, 1, 1, tzinfo=UTC)
"""The time at the start of every simulation."""


class Loop(asyncio.AbstractEventLoop):
    """The loop. Its time is in seconds since the start and moves only when nothing is left to do at once.

    Attributes:
        faults: what tasks raised that nobody took.
        steps: callbacks run so far. Beyond `MOST_STEPS` it stops: something goes round without end.
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._number = 0
        self._ready: deque[tuple[asyncio.Handle, Process | None]] = deque()
        self._later: list[tuple[float, int, asyncio.TimerHandle, Process | None]] = []
        self.faults: list[str] = []
        self.steps = 0

    def time(self) -> float:
        """Seconds since the start."""
        return self._now

    def get_debug(self) -> bool:
        """Never."""
        return False

    def is_running(self) -> bool:
        """Always: what it runs asks for it."""
        return True

    def is_closed(self) -> bool:
        """Never."""
        return False

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Run `callback` before time moves."""
        where = context if context is not None else copy_context()
        handle = asyncio.Handle(callback, args, self, where)
        self._ready.append((handle, where.get(PROCESS)))
        return handle

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Run `callback` in `delay` seconds."""
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Run `callback` at `when`."""
        where = context if context is not None else copy_context()
        handle = asyncio.TimerHandle(when, callback, args, self, where)
        self._number += 1
        heapq.heappush(self._later, (when, self._number, handle, where.get(PROCESS)))
        return handle

    def after(self, delay: float, callback: Callable[..., Any], *args: Any) -> asyncio.TimerHandle:
        """Run `callback` in `delay` seconds, whatever becomes of the process that asks: it is the world's own."""
        return self.call_at(self._now + delay, callback, *args, context=Context())

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """A cancelled timer is skipped when its time comes."""

    def create_future(self) -> asyncio.Future[Any]:
        """A future of this loop."""
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override]
        self, coro: Coroutine[Any, Any, Result], *, name: str | None = None, context: Context | None = None
    ) -> asyncio.Task[Result]:
        """A task of this loop."""
        task: asyncio.Task[Result] = asyncio.Task(coro, loop=self, name=name, context=context)
        # The tasks of a killed process never end, which is as it should be.
        task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Keep what nobody took: it fails the simulation."""
        self.faults.append(f"{context.get('message')}: {context.get('exception')!r}")

    def run(self, *, until: float, stop: Callable[[], bool] = lambda: False) -> None:
        """Run what there is, up to the moment `until` or as long as `stop` says no."""
        asyncio._set_running_loop(self)  # noqa: SLF001
        try:
            while self.steps < MOST_STEPS and not stop() and self._step(until):
                self.steps += 1
        finally:
            asyncio._set_running_loop(None)  # noqa: SLF001

    def _step(self, until: float) -> bool:
        if not self._ready and not self._wait(until):
            return False
        handle, process = self._ready.popleft()
        if process is not None and not process.is_running:
            process.keep(handle)
        elif not handle.cancelled():
            handle._run()  # noqa: SLF001
        return True

    def _wait(self, until: float) -> bool:
        """Let time pass until something is due; says whether anything is, by then."""
        while self._later and self._later[0][2].cancelled():
            heapq.heappop(self._later)
        if not self._later or self._later[0][0] > until:
            self._now = max(self._now, until)
            return False
        when, _, handle, process = heapq.heappop(self._later)
        self._now = max(self._now, when)
        self._ready.append((handle, process))
        return True

    def again(self, handle: asyncio.Handle, process: Process) -> None:
        """Put back what waited for its process."""
        self._ready.append((handle, process))


@dataclass(eq=False, slots=True)
class Process:
    """A process: it runs, it is stopped, or it is dead for good.

    Attributes:
        skew: by how much its wall clock is wrong.
    """

    loop: Loop
    name: str
    skew: timedelta = timedelta()
    is_stopped: bool = False
    is_dead: bool = False
    _kept: list[asyncio.Handle] = field(default_factory=list[asyncio.Handle])

    @property
    def is_running(self) -> bool:
        """Whether its callbacks run now."""
        return not (self.is_stopped or self.is_dead)

    def now(self) -> datetime:
        """The time, by its wall clock."""
        return EPOCH + timedelta(seconds=self.loop.time()) + self.skew

    def keep(self, handle: asyncio.Handle) -> None:
        """A callback that is due while it does not run."""
        if not self.is_dead:
            self._kept.append(handle)

    def kill(self) -> None:
        """SIGKILL."""
        self.is_dead = True
        self._kept.clear()

    def stop(self) -> None:
        """SIGSTOP."""
        self.is_stopped = True

    def wake(self) -> None:
        """SIGCONT: everything that fell due meanwhile happens now, in its order."""
        self.is_stopped = False
        kept, self._kept = self._kept, []
        for handle in kept:
            self.loop.again(handle, self)

    def call(self, callback: Callable[..., Any], *args: Any, delay: float = 0.0) -> None:
        """Have `callback` run in this process."""
        self.loop.call_later(delay, callback, *args, context=self._context())

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run a task in this process."""
        return self.loop.create_task(coroutine, context=self._context())

    def _context(self) -> Context:
        context = Context()
        context.run(PROCESS.set, self)
        context.run(CLOCK.set, self.now)
        return context


PROCESS: ContextVar[Process | None] = ContextVar("PROCESS", default=None)
