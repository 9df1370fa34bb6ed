"""Random plans, random schedules: deliver, duplicate, drop, delay, reorder, crash, time-out, cancel. Invariants hold."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.engine.signals import Elapsed
from tests.properties.plans import plans
from tests.properties.world import World

MAX_TURNS = 400
SLOW_IS_FINE = [
    HealthCheck.too_slow,
    HealthCheck.data_too_large,
    HealthCheck.filter_too_much,
    HealthCheck.large_base_example,
]


@settings(max_examples=600, deadline=None, suppress_health_check=SLOW_IS_FINE)
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
            sleeps = [timer for timer in world.timers if timer.startswith("wait:do:0:z")]
            if sleeps:
                world.now_ms = max(world.now_ms, world.timers[sleeps[0]])
                world.tell(Elapsed(sleeps[0]))
            else:
                world.event()
    assert world.execution.word == "Completed"
