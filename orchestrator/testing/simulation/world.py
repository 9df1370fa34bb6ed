"""One simulated execution and everything around it: server, workers, broker, participants, people, and bad luck."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from temporalio.api.history.v1 import History
from temporalio.api.workflowservice.v1 import (
    GetWorkflowExecutionHistoryReverseResponse,
    RecordActivityTaskHeartbeatResponse,
)
from temporalio.service import RPCError, RPCStatusCode

from orchestrator.adapters.temporal import given as names
from orchestrator.adapters.temporal.given import Given, Limits, Thread, to_json
from orchestrator.adapters.temporal.performing import Stage
from orchestrator.adapters.temporal.workflow import SagaWorkflow
from orchestrator.engine.execution import Execution
from orchestrator.engine.signals import Failed, ReceivedEvent
from orchestrator.errors import InvariantBrokenError
from orchestrator.participant.memory import MemoryStore
from orchestrator.saga.plan import StepPlan, leaves
from orchestrator.testing.simulation.broker import Broker, SimulatedCourier
from orchestrator.testing.simulation.dice import Dice
from orchestrator.testing.simulation.faults import Faults
from orchestrator.testing.simulation.hands import ANSWER_S
from orchestrator.testing.simulation.history import to_proto
from orchestrator.testing.simulation.loop import MOST_STEPS, Loop, Process
from orchestrator.testing.simulation.outside import Deeds, Scripts, key_of, participant
from orchestrator.testing.simulation.people import PATIENCE_S, People
from orchestrator.testing.simulation.plans import TRIGGER
from orchestrator.testing.simulation.server import Server
from orchestrator.testing.simulation.telling import Told, complaints_of_spans
from orchestrator.testing.simulation.truth import RESTS, complaints_of, refold, violation_of
from orchestrator.testing.simulation.worker import Worker

if TYPE_CHECKING:
    from orchestrator.engine.signals import Signal
    from orchestrator.engine.states import State
    from orchestrator.saga.plan import Plan
    from orchestrator.testing.simulation.runs import Run
    from orchestrator.testing.simulation.worker import Cached

EXECUTION = "random:1"
BEGINNING = ReceivedEvent(identity="start", body_hash="start", type=TRIGGER, payload={"id": "1"})
OUR_FAULTS = ("AttributeError", "TypeError", "NameError", "ImportError")
"""What nobody raises here on purpose; an attempt that raised it would only look like one that failed."""
AFTERMATH_S = 75.0
"""So long after the end the world goes on: late messages, slow workers."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What kind of bad luck a schedule has. Likelihoods are per occasion; `horizon_s`: how long faults go on.

    `is_attended`: people look in again and again, and do something about what waits for them.
    """

    horizon_s: float = 12.0
    losses: float = 0.06
    refusals: float = 0.08
    workers: int = 1
    has_zombies: bool = True
    has_clock_jumps: bool = False
    cancels: float = 0.4
    people: float = 0.2
    signals_per_run: int = 5_000
    suggests_continuing: float = 0.0
    undo_refusals: float = 0.02
    is_attended: bool = False


class World:
    """Make it, `play` it, read `violations`.

    Attributes:
        counts: how often what happened: the transitions of this run.
        violations: what is wrong with it; one line each.
        story: what happened, if it is told.
        shown_state: where the execution stands, as far as people can see.
    """

    def __init__(self, plan: Plan, dice: Dice, profile: Profile, *, is_told: bool = False) -> None:
        self.plan, self.dice, self.profile = plan, dice, profile
        self.execution_id = EXECUTION
        self.workflow = SagaWorkflow
        self.loop = Loop()  # type: ignore[abstract]
        self._processes = 0
        self.counts: Counter[str] = Counter()
        self.violations: list[str] = []
        self.story: list[str] | None = [] if is_told else None
        self.parked: list[tuple[str, str]] = []
        self.deeds = Deeds()
        self.store = MemoryStore(Deeds(numbers=self.deeds.numbers))
        self.participant = participant(self)
        self.client: Any = SimpleNamespace(namespace="simulated", workflow_service=_Service(self))
        self.server = Server(self)
        self.broker = Broker(self)
        self.faults = Faults(self)
        self.people = People(self)
        self.told = Told()
        self.workers: list[Worker] = []
        self.journal: list[tuple[int, Signal]] = []
        self._finished: list[tuple[int, Signal]] = []
        self._run = ""
        self.shown_state: State | None = None
        self._keys: dict[str, tuple[str, str]] = {}
        self.steps = {leaf.id: leaf for leaf in leaves(plan.root) if isinstance(leaf, StepPlan)}

    @property
    def effects(self) -> list[tuple[int, str, str]]:
        """What was really done and undone, in order."""
        return sorted(self.deeds.lines + self.store.get(Deeds).lines)

    @property
    def word(self) -> str:
        """How it ended, or what it waits for."""
        return str(self.server.result["word"]) if self.server.result else self.server.shown or "Running"

    # -- for its parts -------------------------------------------------------------------------------------------

    def process(self, name: str) -> Process:
        """A fresh process."""
        self._processes += 1
        return Process(self.loop, f"{name}-{self._processes}")

    def count(self, what: str) -> None:
        """Something happened."""
        self.counts[what] += 1

    def note(self, kind: str, text: str, *values: Any) -> None:
        """Something that a reader of the schedule wants to know."""
        if self.story is not None:
            self.story.append(f"{self.loop.time():9.3f} {kind:8} {text % values}")

    def fail(self, what: str) -> None:
        """Something that must never happen."""
        self.note("WRONG", "%s", what)
        self.violations.append(what)

    def use_key(self, key: str, direction: str, step: str) -> None:
        """A call is asked for under this key: from then on it is of that step and direction only (invariant 10)."""
        owner = self._keys.setdefault(key, (direction, step))
        if owner != (direction, step):
            self.fail(f"{direction} {step} asked for under the key of {' '.join(owner)}")

    def add_worker(self) -> None:
        """Another worker process."""
        process = self.process("worker")
        self.loop.after(0.0, lambda: self.workers.append(Worker(self, process)))

    def stage_of(self, worker: Worker) -> Stage:
        """What a worker performs with."""
        return Stage(handlers=cast("Any", Scripts(self)), courier=SimulatedCourier(self, worker))

    def is_continuing_suggested(self) -> bool:
        """Whether the server suggests to continue as new."""
        return self.dice.fault("continuing suggested", self.profile.suggests_continuing)

    def facts_of(self, way: str, step: str) -> list[str]:
        """Facts that a call must be given."""
        plan = self.steps[step]
        call = {"do": plan.do, "undo": plan.undo, "probe": plan.probe}[way]
        return [need.fact for need in call.needs if not need.optional] if call else []

    def fact(self, name: str) -> Any:
        """What a fact must say."""
        return BEGINNING.payload if name == "start" else {"by": key_of(self.execution_id, name.removesuffix("_made"))}

    def kept(self, run: Run, cached: Cached) -> None:
        """The server has accepted what this instance did: its journal is the one that counts."""
        if run.id != self._run:
            self._run, self._finished = run.id, self.journal
        self.shown_state = cached.instance.state
        entries = zip(cached.times, cached.instance.journal, strict=True)
        self.journal = self._finished + [(at, entry.signal) for at, entry in entries]

    # -- the play ------------------------------------------------------------------------------------------------

    def play(self) -> None:
        """Let it happen, and judge it."""
        for _ in range(self.profile.workers):
            self.add_worker()
        self.faults.begin()
        self.loop.after(0.0, self._start)
        self._plan_events()
        horizon = self.dice.between(1.0, self.profile.horizon_s)
        self.loop.run(until=horizon)
        self.faults.end()
        self.loop.run(until=horizon + PATIENCE_S, stop=self._is_at_rest)
        if not self._is_at_rest():
            self.fail(f"{PATIENCE_S:g} s after the last fault it has not ended and waits for nobody visibly")
        self.people.help(self._is_at_rest)
        self.loop.run(until=self.loop.time() + AFTERMATH_S)
        self._judge()

    def _start(self) -> None:
        given = Given(
            plan=self.plan,
            execution_id=self.execution_id,
            trigger=BEGINNING,
            thread=Thread(correlation_id=self.execution_id),
            limits=Limits(signals_per_run=self.profile.signals_per_run),
        )
        self.server.start(to_json(given))

    def _is_at_rest(self) -> bool:
        if self.server.run.is_closed:
            return True
        is_idle = self.server.run.task is None and not self.server.activities.are_open
        return self.server.shown in RESTS and is_idle and not self.server.run.timers

    def _plan_events(self) -> None:
        dice = self.dice
        for number in range(dice.one_of((0, 1, 2, 3))):
            self.loop.after(dice.between(0.0, 6.0), self._event, f"news-{number}", "news")
        if dice.fault("event duplicated", 0.1):
            self.loop.after(dice.between(0.0, 6.0), self._event, "news-0", "news")
        if dice.fault("trigger duplicated", 0.1):
            self.loop.after(dice.between(0.1, 6.0), self._event, "start", TRIGGER)
        self.people.begin()

    def _event(self, identity: str, kind: str) -> None:
        event = ReceivedEvent(identity=identity, body_hash=identity, type=kind, payload={"id": "1"})
        self.count("event told")
        self.server.signal(names.EVENT_SIGNAL, to_json(event))

    # -- the verdict ---------------------------------------------------------------------------------------------

    def _judge(self) -> None:
        if self.loop.steps >= MOST_STEPS:
            self.fail(f"it goes round without end: {MOST_STEPS} callbacks")
        for fault in self.loop.faults:
            self.fail(f"nobody took: {fault}")
        try:
            execution = refold(self.plan, self.execution_id, self.journal, with_twins=False)
        except InvariantBrokenError as error:
            self.fail(violation_of(error))
            return
        self.counts["engine transition"] += len(self.journal)
        for signal in (signal for _, signal in self.journal if isinstance(signal, Failed)):
            if signal.reason.startswith(OUR_FAULTS):
                self.fail(f"the simulation itself is at fault: {signal.reason}")
        self._judge_end(execution)
        for complaint in complaints_of(self.plan, execution, self.effects):
            self.fail(complaint)
        for complaint in complaints_of_spans(self.told, execution.journal):
            self.fail(f"invariant 24: {complaint}")

    def _judge_end(self, execution: Execution) -> None:
        result = self.server.result
        self.note("end", "%s", execution.word)
        if result is not None and result["state"] != execution.dump():
            self.fail(f"the result is another state than the journal's: {result['state']}, {execution.dump()}")


@dataclass(slots=True)
class _Service:
    """The calls of the server's API that activities make."""

    world: World

    async def record_activity_task_heartbeat(self, asked: Any, **_: Any) -> Any:
        """A sign of life that waits for its answer."""
        await asyncio.sleep(ANSWER_S)
        if self.world.server.activities.is_given_up(asked.task_token):
            raise RPCError("nobody waits for it", RPCStatusCode.NOT_FOUND, b"")
        return RecordActivityTaskHeartbeatResponse()

    async def get_workflow_execution_history_reverse(self, asked: Any, **_: Any) -> Any:
        """A page of the tail of the history, newest first. Small ones, so that turning pages is tried too."""
        await asyncio.sleep(0.002)
        run_id = asked.execution.run_id
        run = self.world.server.runs[run_id]
        end = int(asked.next_page_token or len(run.events))
        begin = max(0, end - 7)
        events = [to_proto(event) for event in reversed(run.events[begin:end])]
        token = str(begin).encode() if begin else b""
        return GetWorkflowExecutionHistoryReverseResponse(history=History(events=events), next_page_token=token)
