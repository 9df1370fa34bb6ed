"""The walk through a flow. test_rules.py breaks each rule once; here are the cases behind them."""

import re
from datetime import timedelta

import pytest

from orchestrator import (
    Command,
    Event,
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

SECONDS = timedelta(seconds=5)
DAY = timedelta(days=1)


class Placed(Event, type="placed"):
    id: str


class Paid(Event, type="paid"):
    id: str


class Ctx(Event, type="context"):
    id: str


class Reserved(Event, type="reserved"):
    ok: bool = True


class Reserve(Command["Reserved"], type="reserve"):
    id: str


class Lost(Command["Nowhere"], type="lost"):  # type: ignore[name-defined]  # pyright: ignore[reportUndefinedVariable]
    id: str


@command(to="stock")
def reserve(placed: Placed) -> Reserve:
    return Reserve(id=placed.id)


@command(to="stock")
def release(placed: Placed) -> Reserve:
    return Reserve(id=placed.id)


@command(to="stock")
def misspelt(plaecd: Placed) -> Reserve:
    return Reserve(id=plaecd.id)


@command(to="stock")
def far_off(zzz: Placed) -> Reserve:
    return Reserve(id=zzz.id)


@command(to="stock")
def loses_its_reply(placed: Placed) -> Lost:
    return Lost(id=placed.id)


@command(to="stock")
def needs_lost(nowhere: Placed) -> Reserve:
    return Reserve(id=nowhere.id)


@action
async def needs_reserved(reserved: Reserved) -> None: ...


@action
async def needs_paid(paid: Paid) -> None: ...


@action
async def may_have_paid(paid: Paid | None) -> None: ...


@event
def done(placed: Placed) -> Paid:
    return Paid(id=placed.id)


RESERVE = step(reserve, undo=release)
USE = step(needs_reserved, no_undo="reads only")


def build(*parts, name="broken", version=1, within: timedelta | None = DAY, window=timedelta(days=30)):
    options = {"key": "id", "version": version, "within": within, "compensation_window": window}
    return Saga(name, *parts, starts_on=Placed, **options)


def problems(*parts, **options) -> list[str]:
    with pytest.raises(SagaDefinitionError) as raised:
        build(*parts, **options)
    return [str(problem) for problem in raised.value.problems]


def codes(*parts, **options) -> list[str]:
    return [problem[:4] for problem in problems(*parts, **options)]


def test_all_problems_come_at_once_with_place_and_remedy() -> None:
    with pytest.raises(SagaDefinitionError) as raised:
        build(step(misspelt, no_undo="reads only"), step(reserve))
    text = str(raised.value)
    assert "saga 'broken'" in text
    assert re.search(r"S001 misspelt\(\) asks for 'plaecd', .* Did you mean 'placed'\? +saga/test_checks\.py:\d+", text)
    assert re.search(r"S010 reserve has neither undo= nor no_undo.*saga/test_checks\.py:\d+", text)


def test_what_is_unlike_everything_is_told_what_there_is() -> None:
    assert "Known here: placed." in problems(step(far_off, no_undo="reads only"))[0]


def test_a_sound_saga_has_no_problems_and_no_warnings() -> None:
    saga = build(
        RESERVE, parallel(sequence(sleep(SECONDS)), wait_for(Paid, within=SECONDS)), pivot(reserve, as_="sent")
    )
    assert saga.warnings == ()


def test_one_function_may_stand_twice_under_two_names_and_its_problems_are_told_once() -> None:
    assert codes(step(misspelt, no_undo="-"), step(misspelt, no_undo="-", as_="again")) == ["S001"]


def test_a_fact_that_is_made_later_names_who_makes_it() -> None:
    told = problems(USE, RESERVE)
    assert [one[:4] for one in told] == ["S002"]
    assert "which reserve makes later; move needs_reserved below it" in told[0]


def test_only_an_undo_knows_its_own_result() -> None:
    @action
    async def asks_itself(reserved: Reserved) -> Reserved:
        return reserved

    told = problems(step(asks_itself, no_undo="-"))
    assert "S002" in told[0]
    assert "only its undo can know that" in told[0]


def test_a_branch_may_use_what_a_branch_above_makes_but_not_what_one_below_makes() -> None:
    assert build(parallel(RESERVE, USE)).warnings == ()
    told = problems(parallel(USE, RESERVE))
    assert [one[:4] for one in told] == ["S024"]
    assert "write that branch first, and needs_reserved waits for it" in told[0]


def test_behind_a_parallel_the_facts_of_all_branches_are_known() -> None:
    assert build(parallel(RESERVE, wait_for(Paid, within=SECONDS)), USE, step(needs_paid, no_undo="-"))


def test_a_wait_that_may_go_on_makes_an_optional_fact() -> None:
    wait = wait_for(Paid, within=SECONDS, on_timeout="continue")
    assert codes(wait, step(needs_paid, no_undo="-")) == ["S024"]
    assert build(wait, step(may_have_paid, no_undo="-"))


def test_two_waits_for_one_event_need_two_names() -> None:
    wait = wait_for(Paid, within=SECONDS)
    assert codes(wait, wait) == ["S007", "S003"]
    assert build(wait, wait_for(Paid, within=SECONDS, as_="paid_again"))


def test_a_step_may_not_make_the_fact_that_the_trigger_is() -> None:
    assert codes(RESERVE, wait_for(Placed, within=SECONDS)) == ["S003"]
    assert build(RESERVE, wait_for(Placed, within=SECONDS, as_="placed_again", on_missing="start"))


def test_what_could_not_be_read_raises_no_false_alarm_behind_it() -> None:
    assert codes(step(loses_its_reply, undo=release), step(needs_lost, no_undo="-")) == ["S023"]


def test_two_pauses_of_one_length_need_two_names() -> None:
    assert codes(RESERVE, sleep(SECONDS), sleep(SECONDS)) == ["S007"]
    assert build(RESERVE, sleep(SECONDS), sleep(SECONDS, as_="again"))


@pytest.mark.parametrize("name", ["with space", "", "1st", "a" * 101, "a:b"])
def test_a_name_is_one_that_a_parameter_can_have(name) -> None:
    assert codes(step(reserve, undo=release), sleep(SECONDS, as_=name or "-")) == ["S017"]


def test_an_event_may_not_be_called_like_the_context() -> None:
    assert codes(RESERVE, wait_for(Ctx, within=SECONDS)) == ["S017"]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"name": "Broken"}, "S026"),
        ({"name": ""}, "S026"),
        ({"name": "a:b"}, "S026"),
        ({"version": 0}, "S026"),
        ({"version": True}, "S026"),
        ({"version": "1"}, "S026"),
        ({"window": timedelta(0)}, "S019"),
    ],
)
def test_a_saga_needs_a_usable_name_version_and_window(options, code) -> None:
    assert codes(RESERVE, **options) == [code]


@pytest.mark.parametrize("length", [timedelta(0), timedelta(seconds=-1), timedelta(microseconds=1), timedelta(days=2)])
def test_lengths_are_positive_and_fit_into_the_saga(length) -> None:
    assert codes(step(reserve, undo=release, within=length)) == ["S019"]
    assert codes(RESERVE, wait_for(Paid, within=length)) == ["S019"]
    assert codes(RESERVE, sleep(length)) == ["S019"]


def test_a_saga_without_limit_allows_any_length() -> None:
    assert build(step(reserve, undo=release, within=timedelta(days=900)), within=None).plan.within_ms is None


def test_nothing_is_not_a_saga_nor_a_branch() -> None:
    assert codes() == ["S013"]
    assert codes(RESERVE, sequence()) == ["S013"]
    assert codes(RESERVE, parallel(sequence(), USE)) == ["S013"]


def test_what_is_no_part_is_told_how_to_become_one() -> None:
    told = problems(RESERVE, done, "text", parallel(reserve))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert [one[:4] for one in told] == ["S028", "S028", "S028"]
    assert "done() is no part of a flow: wrap it in step(...), publish(...) or pivot(...)" in told[0]


def test_one_pivot_stands_on_a_path_however_deep() -> None:
    assert codes(pivot(reserve), sequence(step(release, no_undo="-", as_="second"), pivot(done_again()))) == ["S008"]
    assert codes(RESERVE, parallel(sequence(pivot(done_again())))) == ["S009"]


def done_again():
    @action
    async def finish(placed: Placed) -> None: ...

    return finish


def test_behind_a_pivot_inside_a_sequence_everything_goes_forward() -> None:
    wait = wait_for(Paid, within=SECONDS)
    assert codes(sequence(RESERVE, pivot(done_again())), wait) == ["S018"]
    assert build(RESERVE, pivot(done_again()), publish(done))
