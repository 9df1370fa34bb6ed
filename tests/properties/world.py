"""One execution and everything around it that may go wrong, in virtual time; chance decides what happens next."""

from orchestrator.engine.effects import Perform
from orchestrator.engine.lookahead import maybe_begun
from orchestrator.engine.signals import (
    AbandonRequested,
    Arrived,
    CancelRequested,
    CompensateRequested,
    Elapsed,
    Failed,
    Lost,
    MarkDoneRequested,
    ReceivedEvent,
    Refused,
    ReleaseRequested,
    ResumeRequested,
    RetryRequested,
    SkipRequested,
    Stalled,
    Started,
    Succeeded,
    SuspendRequested,
    Withdrawn,
)
from orchestrator.testing.simulation.invariants import INVARIANTS, check
from orchestrator.testing.simulation.record import WAITING, Record

TRIGGER = ReceivedEvent(identity="t", body_hash="t", type="started", payload={"id": "1"})
MAX_FENCE_MS = 5


class World:
    """Attributes: `open`: attempts that somebody performs. `told`: signals that may come again at any time."""

    def __init__(self, plan, chance, *, faults, invariants=INVARIANTS):
        self.choose, self.number, self.faults = chance.choose, chance.number, faults
        self.invariants = invariants
        self.record = Record.begin(plan, "random:1")
        self.open, self.told, self.news, self.now_ms = [], [], 0, 0
        self.tell(Started(TRIGGER))

    @property
    def execution(self):
        return self.record.execution

    @property
    def timers(self):
        return self.record.books.timers

    def tell(self, signal):
        effects = self.record.tell(signal, at_ms=self.now_ms)
        self.told.append(signal)
        self.open += [effect for effect in effects if isinstance(effect, Perform)]
        check(self.record, self.invariants)

    def turn(self):
        choices = ["answer"] * (3 if self.open else 0) + ["pass_time"] * (1 if self.timers else 0)
        if self.faults:
            choices += ["event", "restart", "again", "lose", "jump", "withdraw", "operate", "operate"]
        getattr(self, self.choose(choices or ["event"]))()

    def calm_down(self):
        """No more faults: every attempt is answered with ok, and time passes."""
        self.faults, self.record.calm_since_ms = False, self.now_ms

    def answer(self):
        one = self.open.pop(self.number(0, len(self.open) - 1))
        ways = ("ok", "ok", "ok", "refused", "failed", "dropped", "unknown", "stalled") if self.faults else ("ok",)
        way = self.choose(ways)
        common = {"step": one.step, "direction": one.direction, "attempt": one.attempt}
        self.now_ms += 1
        match way:
            case "ok":
                self.tell(Succeeded(result={"by": one.step}, **common))
            case "refused":
                self.tell(Refused(reason="no", **common))
            case "failed":
                self.tell(Failed(reason="later", **common))
            case "stalled":
                self.tell(Stalled(reason="nobody has code for it", **common))
            case "unknown":
                self.fail_for_good(common)
            case "dropped" if one.call.lane != "command":
                self.fail_for_good(common)

    def fail_for_good(self, common):
        fence_ms = self.choose((0, MAX_FENCE_MS))
        self.tell(Failed(reason="gone", retryable=False, fence_ms=fence_ms, **common))

    def again(self):
        """A copy of anything that was told comes late; but no timer that is set anew rings by its old time."""
        rung = [Elapsed(timer) for timer in self.timers]
        often = [signal for signal in self.told if not isinstance(signal, (Started, Lost)) and signal not in rung]
        if often:
            self.tell(self.choose(often))

    def pass_time(self):
        """Time passes until the next timer is due."""
        timer = min(self.timers, key=lambda name: (self.timers[name], name))
        self.now_ms = max(self.now_ms, self.timers[timer])
        self.tell(Elapsed(timer))

    def jump(self):
        """The clock goes forward: whatever is due comes late, and all at once."""
        self.now_ms += 10_000
        for timer in list(self.timers):
            if timer in self.timers and self.timers[timer] <= self.now_ms:
                self.tell(Elapsed(timer))

    def event(self):
        self.news += 1
        self.tell(Arrived(ReceivedEvent(identity=f"n{self.news}", body_hash="n", type="news", payload={})))

    def cancel(self):
        self.tell(CancelRequested(**self.person()))

    def person(self, actors=("me",)):
        self.news += 1
        return {"command_id": f"c{self.news}", "actor": self.choose(actors), "reason": "because"}

    def operate(self):
        """A person does something, mostly where it makes sense."""
        person = self.person(("me", "me", "me", ""))
        step = self.choose(self.waiting() or (*self.record.before, "nowhere"))
        ways = {
            "cancel": lambda: CancelRequested(**person),
            "retry": lambda: RetryRequested(step=step, **person),
            "edited retry": lambda: RetryRequested(step=step, edited={"start": {"id": "2"}}, **person),
            "mark done": lambda: MarkDoneRequested(step=step, evidence="I saw it", **person),
            "skip": lambda: SkipRequested(step=step, result={"by": "hand"}, **person),
            "abandon": lambda: AbandonRequested(**person),
            "suspend": lambda: SuspendRequested(**person),
            "resume": lambda: ResumeRequested(**person),
            "release": lambda: ReleaseRequested(event_type=self.choose((None, "news", "other")), **person),
            "compensate": lambda: CompensateRequested(override=self.choose((False, True)), **person),
            "compensate from": lambda: CompensateRequested(
                from_step=self.choose((*self.record.before, "nowhere")), override=self.choose((False, True)), **person
            ),
        }
        self.tell(ways[self.choose(sorted(ways))]())

    def waiting(self):
        return [name for name, step in self.execution.state.steps.items() if step.phase in WAITING]

    def lose(self):
        """A lost attempt may have begun what follows; as the interpreter does it, a cancel comes next."""
        steps = maybe_begun(self.execution, self.execution, TRIGGER)
        if steps:
            self.tell(Lost(steps, self.choose((0, MAX_FENCE_MS))))
            self.cancel()

    def restart(self):
        self.record.restart()

    def withdraw(self):
        """What was asked for and not begun when it turned back never begins."""
        forward = [one for one in self.open if one.direction == "do"]
        if forward and self.execution.state.is_unwinding:
            one = self.choose(forward)
            self.open.remove(one)
            self.tell(Withdrawn(step=one.step, direction=one.direction, attempt=one.attempt))
