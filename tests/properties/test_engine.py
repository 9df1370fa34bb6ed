"""Random plans, random schedules: deliver, duplicate, delay, reorder, crash, time-out, cancel. Invariants hold throughout."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.engine.arrivals import past_pivot
from orchestrator.engine.effects import Alert, ClearTimer, End, Park, Perform, SetTimer
from orchestrator.engine.execution import Execution
from orchestrator.engine.lookahead import maybe_begun
from orchestrator.engine.signals import (
    Arrived,
    CancelRequested,
    Elapsed,
    Failed,
    Lost,
    ReceivedEvent,
    Refused,
    Started,
    Succeeded,
)
from orchestrator.engine.turn import Turn
from tests.properties.invariants import Record, check_all
from tests.properties.plans import plans

TRIGGER = ReceivedEvent(identity="t", body_hash="t", type="started", payload={"id": "1"})
MAX_TURNS = 400
SLOW_IS_FINE = [
    HealthCheck.too_slow,
    HealthCheck.data_too_large,
    HealthCheck.filter_too_much,
    HealthCheck.large_base_example,
]


class World:
    """One execution and everything around it that may go wrong."""

    def __init__(self, plan, draw, *, faults):
        self.draw, self.faults = draw, faults
        self.record = Record(plan, Execution.begin(plan, "random:1"))
        self.open, self.told, self.timers, self.news = [], [], [], 0
        self.tell(Started(TRIGGER))

    @property
    def execution(self):
        return self.record.execution

    def tell(self, signal):
        state = self.execution.state
        was_aborted = state.abort is not None
        effects = self.execution.receive(signal)
        self.note(signal, was_aborted)
        for effect in effects:
            self.take(effect)
        check_all(self.record)

    def note(self, signal, was_aborted):
        record, entry = self.record, self.execution.journal[-1]
        name = {Succeeded: "ok", Refused: "refused", Failed: "failed"}.get(type(signal))
        if name and not entry.ignored:
            record.acts.append((name, signal.step, signal.direction, signal.attempt))
        if not was_aborted and self.execution.state.abort is not None:
            record.aborted_at = len(record.acts)
        if record.pivot_ok_at is None and past_pivot(Turn(record.plan, self.execution.state)):
            record.pivot_ok_at = len(record.acts)

    def take(self, effect):
        match effect:
            case Perform():
                self.record.acts.append(("begin", effect.step, effect.direction, effect.attempt))
                self.open.append(effect)
            case SetTimer():
                self.timers.append(effect.timer)
            case ClearTimer() if effect.timer in self.timers:
                self.timers.remove(effect.timer)
            case End():
                self.record.ends += 1
            case Alert() | Park() | ClearTimer():
                pass

    def turn(self):
        choices = [self.answer] * (3 if self.open else 0) + [self.time] * (1 if self.timers else 0)
        if self.faults:
            choices += [self.event, self.crash, self.late, self.lose] + ([self.cancel] if self.news < 3 else [])
        elif not choices:
            choices = [self.event]
        self.draw(st.sampled_from(choices))()

    def answer(self):
        one = self.open.pop(self.draw(st.integers(0, len(self.open) - 1)))
        ways = ("ok", "ok", "ok", "refused", "failed", "lost", "unknown") if self.faults else ("ok",)
        way = self.draw(st.sampled_from(ways))
        common = {"step": one.step, "direction": one.direction, "attempt": one.attempt}
        if way == "ok":
            self.send(Succeeded(result={"by": one.step}, **common))
        elif way == "refused":
            self.send(Refused(reason="no", **common))
        elif way == "failed":
            self.send(Failed(reason="later", **common))
        elif way == "unknown" or one.call.lane != "command":
            self.send(Failed(reason="gone", retryable=False, fence_ms=self.draw(st.sampled_from((0, 5))), **common))

    def send(self, signal):
        self.told.append(signal)
        self.tell(signal)

    def late(self):
        if self.told:
            self.tell(self.draw(st.sampled_from(self.told)))

    def time(self):
        self.tell(Elapsed(self.timers.pop(self.draw(st.integers(0, len(self.timers) - 1)))))

    def event(self):
        self.news += 1
        self.tell(Arrived(ReceivedEvent(identity=f"n{self.news}", body_hash="n", type="news", payload={})))

    def cancel(self):
        self.news += 1
        self.tell(CancelRequested(command_id=f"c{self.news}", actor="me", reason="because"))

    def lose(self):
        """A lost attempt may have begun what follows; as the interpreter does it, a cancel comes next."""
        steps = maybe_begun(self.execution, self.execution, TRIGGER)
        if steps:
            self.tell(Lost(steps, self.draw(st.sampled_from((0, 5)))))
            self.cancel()

    def crash(self):
        restored = Execution.restore(self.execution.plan, self.execution.dump())
        assert restored.state == self.execution.state
        restored.journal = self.execution.journal
        self.record.execution = restored


def refold(record):
    again = Execution.begin(record.plan, "random:1")
    for entry in record.execution.journal:
        again.receive(entry.signal)
    return again


@settings(max_examples=1500, deadline=None, suppress_health_check=SLOW_IS_FINE)
@given(plan=plans(), data=st.data())
def test_invariants_hold_on_every_schedule_and_every_run_ends_or_waits_for_a_person(plan, data) -> None:
    world = World(plan, data.draw, faults=True)
    for _ in range(data.draw(st.integers(0, 60))):
        if world.execution.state.ended:
            break
        world.turn()
    world.faults = False
    for _ in range(MAX_TURNS):
        if world.execution.state.ended or not (world.open or world.timers):
            break
        world.turn()
    assert world.execution.state.ended or world.execution.word in ("Stuck", "Parked"), world.execution.word
    again = refold(world.record)
    assert again.state == world.execution.state
    assert again.pending() == world.execution.pending()


@settings(max_examples=100, deadline=None, suppress_health_check=SLOW_IS_FINE)
@given(plan=plans(), data=st.data())
def test_without_faults_every_plan_completes(plan, data) -> None:
    world = World(plan, data.draw, faults=False)
    for _ in range(MAX_TURNS):
        if world.execution.state.ended:
            break
        if world.open:
            world.answer()
        else:
            waits = [timer for timer in world.timers if timer.startswith("wait:do:0:z")]
            if waits:
                world.timers.remove(waits[0])
                world.tell(Elapsed(waits[0]))
            else:
                world.event()
    assert world.execution.word == "Completed"
