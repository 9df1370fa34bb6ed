"""Wrong arguments are problems like all others: with saga, step, place and remedy, all at once, never an error of Python."""

from datetime import timedelta
from typing import Any

import pytest

from orchestrator import (
    Command,
    Event,
    Retry,
    Saga,
    SagaDefinitionError,
    action,
    command,
    event,
    parallel,
    pivot,
    publish,
    sequence,
    sleep,
    step,
    wait_for,
)

MINUTE = timedelta(minutes=1)


def ANY(value: object) -> Any:  # noqa: N802 - a word for the reader: the type checker is told nothing
    return value


class Asked(Event, type="asked"):
    id: str


class Made(Event, type="made"):
    id: str


class Came(Event, type="came"):
    id: str


class Make(Command["Made"], type="make"):
    id: str


class Unmake(Command["Made"], type="unmake"):
    id: str


@command(to="maker")
def make(asked: Asked) -> Make:
    return Make(id=asked.id)


@command(to="maker")
def unmake(asked: Asked) -> Unmake:
    return Unmake(id=asked.id)


@command(to="maker")
def misspelt_undo(mde: Made | None) -> Unmake:
    return Unmake(id=mde.id if mde else "")


@command(to="maker")
def uses_came(came: Came) -> Make:
    return Make(id=came.id)


@event
def told(asked: Asked) -> Came:
    return Came(id=asked.id)


@action(brief=True)
async def quick(asked: Asked) -> None: ...


@action(version=ANY("two"))
async def odd_version(asked: Asked) -> None: ...


@command(to="")
def to_nobody(asked: Asked) -> Make:
    return Make(id=asked.id)


@command(to="a.#")
def to_a_pattern(asked: Asked) -> Make:
    return Make(id=asked.id)


@command(to=ANY(5))
def to_a_number(asked: Asked) -> Make:
    return Make(id=asked.id)


good = step(make, undo=unmake)


def saga(*parts: Any, **options: Any) -> Saga:
    given = {"name": "s", "starts_on": Asked, "key": "id", "version": 1, **options}
    return Saga(given.pop("name"), *parts, **given)


def problems(*parts: Any, **options: Any) -> list[str]:
    with pytest.raises(SagaDefinitionError) as raised:
        saga(*parts, **options)
    found: tuple[Any, ...] = raised.value.problems
    assert all(problem.place.startswith("saga/test_checks_arguments.py:") for problem in found)
    return [f"{problem.code} {problem.text}" for problem in found]


REMEDY = "declare it by @action without brief, or leave within= out"
SECONDS = "write a length of time, as timedelta(seconds=30)"


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (lambda: step(make, undo=unmake, within=ANY(30)), f"step(make): within=30: {SECONDS}"),
        (lambda: pivot(make, within=ANY("30")), f"pivot(make): within='30': {SECONDS}"),
        (lambda: step(make, undo=unmake, retry=ANY(5)), "step(make): retry=5: write Retry(attempts=...)"),
        (lambda: step(make, undo=unmake, retry=ANY(0)), "step(make): retry=0: write Retry(attempts=...)"),
        (lambda: pivot(make, retry=ANY(0)), "pivot(make): retry=0: write Retry(attempts=...)"),
        (lambda: publish(told, retry=ANY(0)), "publish(told): retry=0: write Retry(attempts=...)"),
        (lambda: step(make, undo=unmake, undo_retry=ANY(5)), "step(make): undo_retry=5: write Retry(attempts=...)"),
        (lambda: step(make, undo=unmake, as_=ANY(5)), "step(make): as_=5: write a text"),
        (lambda: step(make, no_undo=ANY(True)), "step(make): no_undo=True: write a text"),
        (lambda: wait_for(Came, within=ANY(30)), f"wait_for(Came): within=30: {SECONDS}"),
        (lambda: wait_for(Came, within=MINUTE, key=ANY(5)), "wait_for(Came): key=5: write a text"),
        (lambda: wait_for(Came, within=MINUTE, sequence=ANY(1)), "wait_for(Came): sequence=1: write True or False"),
        (
            lambda: wait_for(Came, within=MINUTE, on_timeout=ANY("explode")),
            "wait_for(Came): on_timeout='explode': write 'abort' or 'continue'",
        ),
        (
            lambda: wait_for(Came, within=MINUTE, on_missing=ANY("explode")),
            "wait_for(Came): on_missing='explode': write 'start' or 'buffer' or 'redeliver' or 'ignore' or 'dead_letter'",
        ),
        (lambda: sleep(ANY(5)), "sleep: duration=5: write a length of time, as timedelta(seconds=5)"),
        (
            lambda: parallel(good, on_sibling_failure=ANY("explode")),
            "parallel: on_sibling_failure='explode': write 'drain' or 'cancel'",
        ),
        (
            lambda: wait_for(ANY("came"), within=MINUTE),
            "wait_for: 'came' is no class of an event: give a class below Event; a command is sent by step(...)",
        ),
        (
            lambda: wait_for(ANY(Make), within=MINUTE),
            "wait_for: Make is a Command: give a class below Event; a command is sent by step(...)",
        ),
        (
            lambda: wait_for(Event, within=MINUTE),
            "wait_for: Event is no class of an event: give a class below Event; a command is sent by step(...)",
        ),
    ],
)
def test_an_argument_of_a_part_is_named_with_its_part_and_what_to_write(part, told) -> None:
    assert problems(part()) == [f"S030 {told}"]


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("within", 30, f"the saga: within=30: {SECONDS}"),
        ("compensation_window", 30, f"the saga: compensation_window=30: {SECONDS}"),
        ("compensation_window", None, f"the saga: compensation_window=None: {SECONDS}"),
        ("unwind", "explode", "the saga: unwind='explode': write 'dependency' or 'serial'"),
        ("on_completed", "explode", "the saga: on_completed='explode': write 'dead_letter' or 'ignore'"),
        ("name", 5, "the saga: name=5: write a text"),
        ("key", 5, "the saga: key=5: write a text"),
        ("starts_on", "asked", "starts_on: 'asked' is no class of an event: give a class below Event;"),
        ("starts_on", Make, "starts_on: Make is a Command: give a class below Event;"),
    ],
)
def test_an_option_of_the_saga_is_named_with_what_to_write(option, value, told) -> None:
    (problem,) = problems(good, **{option: value})
    assert problem.startswith(f"S030 {told}")


def test_everything_is_told_at_once() -> None:
    part = step(make, within=ANY(30), retry=Retry(attempts=0))
    codes = [problem[:4] for problem in problems(sequence(part, sleep(ANY(5))), within=ANY(30))]
    assert codes == ["S030", "S030", "S031", "S030", "S010"]


def test_wrong_options_and_a_wrong_trigger_are_told_together_with_those_of_the_parts() -> None:
    found = problems(step(make, undo=unmake, within=ANY(30)), starts_on="asked", within=30)
    assert [problem.partition(":")[0] for problem in found] == ["S030 starts_on", "S030 the saga", "S030 step(make)"]


def test_a_fact_of_a_part_that_cannot_be_read_is_not_missed() -> None:
    found = problems(wait_for(ANY("came"), within=MINUTE), step(uses_came, undo=unmake))
    assert [problem[:4] for problem in found] == ["S030"]


@pytest.mark.parametrize("option", ["retry", "undo_retry"])
def test_a_policy_that_cannot_be_meant_is_named_with_its_step(option) -> None:
    given: dict[str, Any] = {option: Retry(attempts=0)}
    (problem,) = problems(step(make, undo=unmake, **given))
    assert problem.startswith(f"S031 step(make): {option}: attempts=0: the first attempt counts")


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (lambda: step(ANY(told), no_undo="x"), "S028 told() builds an event: write publish(told), not step(...)"),
        (lambda: pivot(ANY(told)), "S028 told() builds an event: write publish(told), not pivot(...)"),
        (lambda: publish(ANY(make)), "S028 make() builds a command: write step(make, ...), not publish(...)"),
        (lambda: publish(ANY(quick)), "S028 quick() is an action: write step(quick, ...), not publish(...)"),
        (
            lambda: step(quick, no_undo="x", probe=ANY(told)),
            "S028 told() builds an event, but a probe of quick finds out its result: give an action or a command",
        ),
        (
            lambda: step(to_nobody, undo=unmake),
            "S017 to_nobody() goes to '', which names no participant: use letters, digits and . _ - (at most 100)",
        ),
        (
            lambda: step(to_a_pattern, undo=unmake),
            "S017 to_a_pattern() goes to 'a.#', which names no participant: use letters, digits and . _ - (at most 100)",
        ),
        (
            lambda: step(to_a_number, undo=unmake),
            "S017 to_a_number() goes to 5, which names no participant: use letters, digits and . _ - (at most 100)",
        ),
        (
            lambda: step(odd_version, no_undo="x"),
            "S030 odd_version() has version='two': count from 1, in whole numbers",
        ),
        (
            lambda: step(make, undo=unmake, as_="class"),
            "S017 'class' is a word of Python and no parameter's name: rename by as_=",
        ),
        (
            lambda: step(quick, no_undo="x", within=timedelta(minutes=30)),
            "S032 quick() is brief, so it is stopped after a second, and within=0:30:00 says otherwise: " + REMEDY,
        ),
        (
            lambda: step(make, undo=misspelt_undo),
            "S001 misspelt_undo() asks for 'mde', which is not known. Did you mean 'made'?",
        ),
    ],
)
def test_a_function_in_the_wrong_place_is_told_with_the_right_one(part, told) -> None:
    assert problems(part()) == [told]


def test_a_brief_pivot_takes_what_it_takes() -> None:
    assert saga(pivot(quick, within=timedelta(minutes=30))).plan.saga == "s"


def test_a_correcting_event_may_be_given_by_its_function() -> None:
    assert publish(told, undo=ANY(told)).undo is told
    assert saga(publish(told, undo=ANY(told))).plan.saga == "s"


@pytest.mark.parametrize("part", [None, 5, [good]])
def test_what_is_no_part_is_named(part) -> None:
    (problem,) = problems(good, part)
    assert problem.startswith("S028 ")
    assert "is no part of a flow" in problem


def test_what_is_no_part_is_shown_in_short() -> None:
    (problem,) = problems(good, "x" * 500)
    assert problem.startswith("S028 'xxx")
    assert len(problem) < 200


def undeclared(kind):
    """A function of the kind that a decorator of this name is for."""

    def builds(asked: Asked) -> Make:
        return Make(id=asked.id)

    async def works(asked: Asked) -> None:
        assert asked.id

    def tells(asked: Asked) -> Came:
        return Came(id=asked.id)

    return {"action": works, "command": builds, "event": tells}[kind]


ACTION, COMMAND, EVENT = ANY(action), ANY(command), ANY(event)


@pytest.mark.parametrize(
    ("kind", "decorator", "told_"),
    [
        ("command", COMMAND, "S017 builds() does not say who handles its command: write @command(to='...') above it"),
        ("command", COMMAND(), "S017 builds() does not say who handles its command: write @command(to='...') above it"),
        ("command", COMMAND("inventory"), "S030 builds(): @command('inventory'): write its options by name, as "),
        ("command", COMMAND(too="inventory"), "S030 builds(): @command has no 'too': did you mean 'to'?"),
        ("command", COMMAND(to="inventory", brief=True), "S030 builds(): @command has no 'brief': it takes to and ver"),
        ("action", ACTION("brief"), "S030 works(): @action('brief'): write its options by name, as @action(brief=...)"),
        ("action", ACTION(breif=True), "S030 works(): @action has no 'breif': did you mean 'brief'?"),
        ("action", ACTION(brief="yes"), "S030 works(): @action(brief='yes'): write True or False"),
        ("event", EVENT(to="all"), "S030 tells(): @event has no 'to': it takes version"),
        ("event", EVENT(2), "S030 tells(): @event(2): write its options by name, as @event(version=...)"),
    ],
)
def test_a_function_that_is_declared_wrongly_is_a_problem_that_teaches(kind, decorator, told_) -> None:
    function = decorator(undeclared(kind))
    part = publish(function) if kind == "event" else step(function, no_undo="x")
    (problem,) = problems(part)
    assert problem.startswith(told_)
