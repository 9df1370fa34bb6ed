"""Random plans, random schedules: deliver, duplicate, drop, delay, reorder, crash, time-out, cancel. Invariants hold."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.engine.signals import Elapsed
from orchestrator.errors import InvariantBrokenError
from orchestrator.testing.simulation.invariants import INVARIANTS
from orchestrator.testing.simulation.invariants.ends import RESTS
from tests.properties.plans import Drawn, Rolled, build, plans
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
    run(plan, Drawn(data.draw))


def run(plan, chance, invariants=INVARIANTS):
    """Faults for a while, then none; at last it has ended, or only a person can go on."""
    world = World(plan, chance, faults=True, invariants=invariants)
    for _ in range(chance.number(0, 60)):
        world.turn()
    world.calm_down()
    for _ in range(MAX_TURNS):
        if world.execution.state.ended or not (world.open or world.timers):
            break
        world.turn()
    assert world.execution.state.ended or world.execution.word in RESTS, world.execution.word
    return world


SEEDS = 300


def test_invariants_hold_on_seeded_schedules() -> None:
    for seed in range(SEEDS):
        chance = Rolled(seed)
        try:
            run(build(chance), chance)
        except InvariantBrokenError as error:
            error.add_note(f"seed {seed}")
            raise


@settings(max_examples=100, deadline=None, suppress_health_check=SLOW_IS_FINE)
@given(plan=plans(), data=st.data())
def test_without_faults_every_plan_completes(plan, data) -> None:
    world = World(plan, Drawn(data.draw), faults=False)
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
