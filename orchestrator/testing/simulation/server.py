"""The model of the Temporal server: one execution's runs, their histories, workflow tasks, activities and timers.

What it keeps of the real one (1.31; sources named in the design notes): events that come while a workflow task is with
a worker are buffered; the first lost attempt of a task leaves an event, further ones (transient) leave none, and new
events make the next attempt a first one again; a speculative task may vanish without a trace; a heartbeat completes
the task and starts the next in the same breath; a closing command beside buffered events fails the task; a task for a
worker's own queue goes to all after a second; a late report is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.testing.simulation.activation import TASK_TIMEOUT_S
from orchestrator.testing.simulation.activities import ActivityBoard
from orchestrator.testing.simulation.history import Event, Kind
from orchestrator.testing.simulation.recorder import Recorder
from orchestrator.testing.simulation.runs import Run, Task, Update, tell

if TYPE_CHECKING:
    from orchestrator.testing.simulation.activation import Command, Record
    from orchestrator.testing.simulation.dice import Dice
    from orchestrator.testing.simulation.loop import Loop, Process
    from orchestrator.testing.simulation.world import World

STICKY_S = 1.0
CLOSING = frozenset({"complete_workflow_execution", "continue_as_new_workflow_execution", "fail_workflow_execution"})


class Server:
    """The server. Its own parts never fail here: what fails is the way to it, and its workers.

    Attributes:
        run: the newest run of the execution. `result`: what its workflow returned at the end.
        shown: the search attribute that people look at.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.loop: Loop = world.loop
        self.dice: Dice = world.dice
        self.run = Run("run-1")
        self.runs = {self.run.id: self.run}
        self.result: Any = None
        self.shown = ""
        self.activities = ActivityBoard(self)
        self._recorder = Recorder(self)
        self.process: Process = world.process("server")

    # -- what clients ask ----------------------------------------------------------------------------------------

    def start(self, given: Any) -> None:
        """Start the execution."""
        self.add(self.run, Event(Kind.STARTED, more={"given": given}))

    def go_on(self, run: Run, given: Any) -> None:
        """The run that continues the one before."""
        self.run = self.runs[run.id] = run
        self.start(given)

    def signal(self, name: str, argument: Any) -> bool:
        """Signal the newest run; says whether there was one to take it."""
        if self.run.is_closed:
            return False
        if self.run.task is not None and self.run.task.is_started:
            self.dice.count("signal beside a task")
        self.add(self.run, Event(Kind.SIGNALED, more={"name": name, "argument": argument}))
        return True

    def cancel(self, reason: str) -> None:
        """Temporal's own cancellation."""
        if not self.run.is_closed:
            self.add(self.run, Event(Kind.CANCEL_REQUESTED, more={"reason": reason}))

    def update(self, update: Update) -> None:
        """An update: it rides on the task that is waiting, else on a speculative one."""
        run = self.run
        if run.is_closed:
            tell(update, "the execution has ended")
            return
        run.updates.append(update)
        if run.task is None:
            self._schedule(run, Task("speculative"))

    # -- events --------------------------------------------------------------------------------------------------

    def now(self) -> float:
        """The server's wall clock, seconds since the epoch."""
        return self.process.now().timestamp()

    def add(self, run: Run, event: Event) -> None:
        """Something happened: an event now, or when the task that a worker has is over."""
        if run.is_closed:
            return
        self.world.count(f"event {event.kind}")
        if run.task is not None and run.task.is_started:
            run.buffered.append(event)
            return
        self.append(run, event)
        if run.task is None:
            self._schedule_normal(run)

    def append(self, run: Run, event: Event) -> Event:
        """Write an event."""
        event.id, event.at = len(run.events) + 1, self.now()
        run.events.append(event)
        self.world.note("history", "%s %d %s %s", run.id, event.id, event.kind, event.more.get("what", ""))
        return event

    def _flush(self, run: Run) -> bool:
        flushed, run.buffered = run.buffered, []
        for event in flushed:
            self.append(run, event)
        return bool(flushed)

    # -- workflow tasks ------------------------------------------------------------------------------------------

    def _schedule_normal(self, run: Run) -> None:
        self.append(run, Event(Kind.TASK_SCHEDULED))
        self._schedule(run, Task("normal"))

    def _schedule(self, run: Run, task: Task) -> None:
        run.task = task
        task.scheduled_behind = len(run.events)
        if run.sticky is not None:
            task.timer = self.loop.after(STICKY_S, self._sticky_over, run, task)
        self.loop.after(self.dice.between(0.001, 0.01), self._offer, run, task)

    def _offer(self, run: Run, task: Task) -> None:
        """Give the task to a worker that polls."""
        if run.task is not task or task.is_started or run.is_closed:
            return
        polling = [worker for worker in self.world.workers if worker.process.is_running]
        wanted = [run.sticky] if run.sticky is not None else polling
        able = [worker for worker in wanted if worker in polling]
        if not able:
            self.loop.after(0.05, self._offer, run, task)
            return
        self._start(run, task)
        self.dice.one_of(able).take(run, task)

    def _sticky_over(self, run: Run, task: Task) -> None:
        if run.task is not task or task.is_started or run.is_closed:
            return
        run.sticky = None
        self.dice.count("sticky queue timed out")
        if task.form == "normal":
            self.append(run, Event(Kind.TASK_TIMED_OUT, more={"timeout": "SCHEDULE_TO_START"}))
            self._schedule_normal(run)
        else:
            self._offer(run, task)

    def _start(self, run: Run, task: Task) -> None:
        if task.timer is not None:
            task.timer.cancel()
        if task.form != "normal" and len(run.events) != task.scheduled_behind:
            # Something happened since it was scheduled: it becomes an ordinary first attempt.
            task.form, task.attempt = "normal", 1
            self.append(run, Event(Kind.TASK_SCHEDULED))
        if task.form == "normal":
            task.started_id = self.append(run, Event(Kind.TASK_STARTED)).id
        else:
            task.started_id = len(run.events) + 2
        task.started_at = self.now()
        task.updates, run.updates = run.updates, []
        task.timer = self.loop.after(TASK_TIMEOUT_S, self._timed_out, run, task)

    def _timed_out(self, run: Run, task: Task) -> None:
        if run.task is task and not run.is_closed:
            self.dice.count("workflow task timed out")
            self.lose(run, task, Event(Kind.TASK_TIMED_OUT, more={"timeout": "START_TO_CLOSE"}))

    def lose(self, run: Run, task: Task, trace: Event) -> None:
        """An attempt came to nothing. The first leaves a trace, a transient one none, a speculative one vanishes."""
        if run.task is not task:
            return
        if task.timer is not None:
            task.timer.cancel()
        run.sticky, run.task = None, None
        run.updates = [*task.updates, *run.updates]
        if task.form == "normal":
            self.append(run, trace)
        if self._flush(run):
            self._schedule_normal(run)
        elif task.form == "speculative":
            self.dice.count("speculative task vanished")
            self._schedule(run, Task("speculative"))
        else:
            self._schedule(run, Task("transient", attempt=task.attempt + 1))

    # -- reports of workers --------------------------------------------------------------------------------------

    def fail(self, run: Run, task: Task) -> None:
        """A worker reports that it could not do the task."""
        self.lose(run, task, Event(Kind.TASK_FAILED))

    def complete(
        self, run: Run, task: Task, commands: list[Command], record: Record, worker: Any, *, is_heartbeat: bool = False
    ) -> tuple[bool, Task | None]:
        """A worker reports a task. Says whether it was accepted, and after a heartbeat the next task."""
        if run.task is not task or run.is_closed:
            return False, None
        if run.buffered and any(command.kind in CLOSING for command in commands):
            self.dice.count("unhandled command")
            self.fail(run, task)
            return False, None
        if task.timer is not None:
            task.timer.cancel()
        run.task = None
        if self._is_nothing(task, commands):
            self._recorder.answer(task, commands, run, 0)
            self._next(run, was_news=self._flush(run))
            return False, None  # nothing is recorded: the worker drops what it has
        self._recorder.write(run, task, commands, record)
        run.sticky = worker
        if self._has_closed(run):
            return True, None
        was_news = self._flush(run)
        if is_heartbeat:
            record.is_beat = not (commands or was_news)
            return True, self._beat(run)
        self._next(run, was_news=was_news)
        return True, None

    @staticmethod
    def _has_closed(run: Run) -> bool:
        return run.is_closed

    def _beat(self, run: Run) -> Task:
        self.append(run, Event(Kind.TASK_SCHEDULED))
        run.task = Task("normal")
        self._start(run, run.task)
        return run.task

    def _next(self, run: Run, *, was_news: bool) -> None:
        if was_news:
            self._schedule_normal(run)
        elif run.updates:
            self._schedule(run, Task("speculative"))

    def _is_nothing(self, task: Task, commands: list[Command]) -> bool:
        """A speculative task that only refused its updates is dropped."""
        return task.form == "speculative" and all(_is_refusal(command) for command in commands)


def _is_refusal(command: Command) -> bool:
    return command.kind == "update_response" and command.asked.WhichOneof("response") == "rejected"
