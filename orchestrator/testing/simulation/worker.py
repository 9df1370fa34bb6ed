"""A saga worker as a simulated process: the real workflow and the real activities, with a model of the SDK's core.

The core's part: it caches instances, replays what the server has recorded into fresh ones, runs local activities
within a workflow task, sends a heartbeat of the task while one goes on for long, and reports. What it takes up from a
history and what the server wrote there are compared command by command: a difference is a failure of the simulation.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from temporalio.bridge.proto.workflow_activation import WorkflowActivation

from orchestrator.adapters.temporal.activities import Activities
from orchestrator.testing.simulation.activation import (
    TASK_TIMEOUT_S,
    Command,
    Instance,
    Record,
    cancellation,
    commands_of,
    from_payload,
    is_acceptance,
    is_alike,
    jobs_of,
    resolve,
    update_job,
)
from orchestrator.testing.simulation.asking import check, unread
from orchestrator.testing.simulation.hands import Hands
from orchestrator.testing.simulation.telling import Telling

if TYPE_CHECKING:
    from temporalio.bridge.proto.activity_result import ActivityResolution
    from temporalio.bridge.proto.workflow_activation import WorkflowActivationJob

    from orchestrator.engine.signals import Signal
    from orchestrator.testing.simulation.activities import Activity
    from orchestrator.testing.simulation.loop import Process
    from orchestrator.testing.simulation.runs import Run, Task
    from orchestrator.testing.simulation.world import World

HEARTBEAT_S = 0.8 * TASK_TIMEOUT_S


@dataclass(eq=False, slots=True)
class Cached:
    """One run in a worker's cache.

    Attributes:
        records: how many of the server's records the instance has been through.
        seen: id of the last event it has seen. `at`: the workflow's time, seconds since the epoch.
        is_clean: nothing has happened in it that the server has not recorded.
        commands, record: what the task under way will report.
        unread: what it had been told, and not read, when it was activated last.
        is_ordered: that task has brought a person's command. `ran_ms`: the time of its runs so far.
        local: its local activities under way. `ended`: those that came to an end.
    """

    instance: Instance
    records: int = 0
    seen: int = 0
    at: float = 0.0
    is_clean: bool = True
    is_ordered: bool = False
    ran_ms: int = 0
    unread: tuple[Signal, ...] = ()
    times: list[int] = field(default_factory=list[int])
    commands: list[Command] = field(default_factory=list[Command])
    record: Record = field(default_factory=Record)
    local: dict[int, asyncio.Task[ActivityResolution]] = field(
        default_factory=dict[int, "asyncio.Task[ActivityResolution]"]
    )

    def mark(self) -> None:
        """Keep the time at which the engine was told what is new in its journal."""
        at_ms = max(int(self.at * 1000), self.instance.reached_ms)
        self.times += [at_ms] * (len(self.instance.journal) - len(self.times))


class Lost(Exception):  # noqa: N818 - not an error: the report of a task was refused, its work is thrown away
    """What the worker has done in this task counts for nothing."""


class Worker:
    """A worker process."""

    def __init__(self, world: World, process: Process) -> None:
        self.world = world
        self.process = process
        self.telling = Telling(world, process)
        self.hands = Hands(world, self, Activities(world.stage_of(self), world.client))
        self._cache: dict[str, Cached] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    def take(self, run: Run, task: Task) -> None:
        """The server hands over a workflow task."""
        self.process.call(self._begin, run, task, delay=self.world.dice.between(0.001, 0.004))

    def attempt(self, one: Activity, attempt: int) -> None:
        """The server hands over an activity."""
        self.process.call(self.hands.begin, one, attempt, one.started_at, delay=0.001)

    def _begin(self, run: Run, task: Task) -> None:
        self.process.spawn(self._in_turn(run, task))

    async def _in_turn(self, run: Run, task: Task) -> None:
        lock = self._locks.setdefault(run.id, asyncio.Lock())
        async with lock:
            try:
                await self._work(run, task)
            except Lost:
                self.telling.lost(run.id)
                self._evict(run)

    async def _work(self, run: Run, task: Task) -> None:
        dice = self.world.dice
        self.telling.lost(run.id)  # of a task that ran out of time while this worker stood still
        if dice.fault("evicted", 0.03):
            self._evict(run)
        cached = self._take_up(run)
        cached.is_clean = cached.is_ordered = False
        cached.ran_ms = 0
        self._news(cached, run, task)
        ends = self.world.loop.time() + HEARTBEAT_S
        while True:
            while cached.local:
                if not await self._local_ended(cached, task, ends):
                    task = await self._report(cached, run, task, is_heartbeat=True) or task
                    ends = self.world.loop.time() + HEARTBEAT_S
                    self._news(cached, run, task)
            if await self._report(cached, run, task) is None:
                return

    # -- the instance --------------------------------------------------------------------------------------------

    def _take_up(self, run: Run) -> Cached:
        """The cached instance if it stands where the server's record ends, else a fresh one that replays it."""
        cached = self._cache.get(run.id)
        if cached is not None and cached.is_clean and cached.records == len(run.records):
            return cached
        if cached is not None:
            self._evict(run)
        cached = self._cache[run.id] = Cached(
            Instance(run.id, self.world.execution_id, self.world.workflow, self.telling.give)
        )
        open_ones: dict[int, Any] = {}
        if run.records:
            self.world.count("replayed")
        for number, record in enumerate(run.records):
            self._replay(cached, record, run.replayed_with(number), open_ones)
        cached.records = len(run.records)
        cached.seen = run.records[-1].seen if run.records else 0
        for seq, asked in open_ones.items():
            self._begin_local(cached, seq, asked)  # its marker was not recorded: it is done again
        return cached

    def _replay(self, cached: Cached, record: Record, merged: Record, open_ones: dict[int, Any]) -> None:
        """Hand a record over again, as part of the record `merged` if that is another one."""
        for activation, before in zip(record.activations, record.made, strict=True):
            again = WorkflowActivation()
            again.CopyFrom(activation)
            again.is_replaying = True
            if merged is not record:
                again.timestamp.FromNanoseconds(int(merged.started_at * 1e9))
                again.history_length = merged.started_id
            completion = cached.instance.activate(again)
            cached.at = activation.timestamp.ToNanoseconds() / 1e9
            cached.mark()
            if not is_alike(completion, before):
                self.world.fail(f"replay differs: {before!r} became {completion}")
            for command in commands_of(completion):
                if command.kind == "schedule_local_activity":
                    open_ones[command.seq] = command.asked
            for job in activation.jobs:
                if job.HasField("resolve_activity") and job.resolve_activity.is_local:
                    open_ones.pop(job.resolve_activity.seq, None)

    def _evict(self, run: Run) -> None:
        cached = self._cache.pop(run.id, None)
        if cached is None:
            return
        for local in cached.local.values():
            local.cancel()
        cached.instance.evict()

    def _news(self, cached: Cached, run: Run, task: Task) -> None:
        """Tell the workflow what has happened since it was last told."""
        fresh = [event for event in run.events[cached.seen :] if event.id <= task.started_id]
        cached.seen = max(cached.seen, min(task.started_id, len(run.events)))
        cached.at = max(cached.at, task.started_at)
        jobs = jobs_of(fresh)
        jobs[1:1] = [update_job(one.id, one.name, one.argument) for one in task.updates]
        if jobs:
            self._activate(cached, task, jobs)

    def _activate(self, cached: Cached, task: Task, jobs: list[WorkflowActivationJob]) -> None:
        activation = WorkflowActivation(run_id="run", jobs=jobs, history_length=task.started_id)
        activation.timestamp.FromNanoseconds(int(cached.at * 1e9))
        activation.continue_as_new_suggested = self.world.is_continuing_suggested()
        cached.unread = unread(cached.instance)
        completion = cached.instance.activate(activation)
        self.world.count("activation")
        cached.mark()
        if completion.HasField("failed"):
            self.world.fail(f"the workflow task failed: {completion.failed.failure.message}")
            raise Lost
        cached.record.activations.append(activation)
        cached.record.made.append(completion.SerializeToString(deterministic=True))
        made = commands_of(completion)
        cached.is_ordered |= any(is_acceptance(command) for command in made)
        for command in made:
            self._ask(cached, task, command)

    def _ask(self, cached: Cached, task: Task, command: Command) -> None:
        """Take a command down. What is begun and cancelled within one task never reaches the server."""
        undone = {"cancel_timer": "start_timer", "request_cancel_activity": "schedule_activity"}.get(command.kind)
        begun = [one for one in cached.commands if one.kind == undone and one.seq == command.seq]
        if begun:
            cached.commands.remove(begun[0])
            if undone == "schedule_activity":
                self._activate(cached, task, [resolve(command.seq, cancellation())])
            return
        cached.commands.append(command)
        check(self.world, cached, command)
        if command.kind == "schedule_local_activity":
            self._begin_local(cached, command.seq, command.asked)

    def _begin_local(self, cached: Cached, seq: int, asked: Any) -> None:
        cached.local[seq] = self.process.spawn(self.hands.local(asked))

    async def _local_ended(self, cached: Cached, task: Task, ends: float) -> bool:
        """Wait for a local activity and tell the workflow; False when it is time for a heartbeat of the task."""
        begun = self.world.loop.time()
        if self.world.dice.fault("heartbeat", 0.03):
            ends = begun + self.world.dice.between(0.0, 0.05)
        done, _ = await asyncio.wait(
            cached.local.values(), timeout=max(0.0, ends - begun), return_when=asyncio.FIRST_COMPLETED
        )
        if not done:
            return False
        for seq in [seq for seq, local in cached.local.items() if local in done]:
            result = cached.local.pop(seq).result()
            cached.ran_ms += from_payload(result.completed.result)["elapsed_ms"] if result.HasField("completed") else 0
            cached.at += self.world.loop.time() - begun
            marks = [one for one in cached.commands if one.kind == "schedule_local_activity" and one.seq == seq]
            # Begun before a heartbeat, its marker comes at the end; else where it was asked for.
            place = cached.commands.index(marks[0]) if marks else len(cached.commands)
            cached.commands[place : place + len(marks)] = [Command("marker", seq, None)]
            self._activate(cached, task, [resolve(seq, result, is_local=True)])
        return True

    # -- the report ----------------------------------------------------------------------------------------------

    async def _report(self, cached: Cached, run: Run, task: Task, *, is_heartbeat: bool = False) -> Task | None:
        """Report the task. Returns the next one after a heartbeat, else None.

        Raises:
            Lost: it was refused, or never came there.
        """
        world, dice = self.world, self.world.dice
        await asyncio.sleep(dice.between(0.0005, 0.003))
        world.faults.around_report(self)
        has_run = any(one.kind == "marker" for one in cached.commands)
        if has_run and not self.process.is_running:
            dice.count("task lost behind its run")
        await asyncio.sleep(0)  # a process that was stopped or killed just now goes no further
        if dice.fault("task failed", 0.02):
            world.server.fail(run, task)
            raise Lost
        left = [one for one in cached.commands if one.kind == "schedule_local_activity"]
        sent = [one for one in cached.commands if one.kind != "schedule_local_activity"]
        cached.record.seen = cached.seen
        accepted, following = world.server.complete(run, task, sent, cached.record, self, is_heartbeat=is_heartbeat)
        if not accepted:
            dice.count("task report refused")
            raise Lost
        world.kept(run, cached)
        self.telling.recorded(run.id)
        cached.records += 1
        cached.commands, cached.record = left, Record()
        cached.is_clean = not is_heartbeat
        cached.seen = cached.seen if is_heartbeat else run.records[-1].seen
        if is_heartbeat:
            await asyncio.sleep(dice.between(0.0005, 0.003))
        elif dice.fault("answer lost", 0.01):
            raise Lost
        return following
