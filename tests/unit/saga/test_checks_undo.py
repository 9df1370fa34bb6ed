"""The way back: what an undo can count on, and what may be undone at all."""

from datetime import timedelta

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

HOUR = timedelta(hours=1)


class Placed(Event, type="placed"):
    id: str


class Paid(Event, type="paid"):
    id: str


class Reserved(Event, type="reserved"):
    ok: bool = True


class Printed(Event, type="printed"):
    ok: bool = True


class Packed(Event, type="packed"):
    ok: bool = True


class Reserve(Command["Reserved"], type="reserve"):
    id: str


class Pack(Command["Packed"], type="pack"):
    id: str


@command(to="stock")
def reserve(placed: Placed) -> Reserve:
    return Reserve(id=placed.id)


@command(to="stock")
def release(placed: Placed) -> Reserve:
    return Reserve(id=placed.id)


@action
async def print_label(placed: Placed) -> Printed:
    return Printed()


@action
async def void_label(placed: Placed) -> None: ...


@action
async def void_printed(printed: Printed) -> None: ...


@command(to="bench")
def pack(placed: Placed) -> Pack:
    return Pack(id=placed.id)


@action(brief=True)
async def unpack_reserved(reserved: Reserved) -> None: ...


@action(brief=True)
async def unpack_printed(printed: Printed) -> None: ...


@action(brief=True)
async def unpack_paid(paid: Paid) -> None: ...


@action(brief=True)
async def unpack_maybe(reserved: Reserved | None, packed: Packed | None) -> None: ...


@event
def told(placed: Placed) -> Paid:
    return Paid(id=placed.id)


@event
def told_reserved(reserved: Reserved) -> Paid:
    return Paid(id=str(reserved.ok))


RESERVE = step(reserve, undo=release)
PRINT = step(print_label, undo=void_label)
PAY = wait_for(Paid, within=HOUR)


def found(*parts) -> list[str]:
    try:
        saga = Saga("broken", *parts, starts_on=Placed, key="id", version=1)
    except SagaDefinitionError as error:
        return [problem[:4] for problem in error.problems]
    return [warning.code for warning in saga.warnings]


@pytest.mark.parametrize(
    ("parts", "codes"),
    [
        ((RESERVE, step(pack, undo=unpack_reserved)), ["S020"]),
        ((RESERVE, step(pack, undo=unpack_maybe)), []),
        ((RESERVE, PRINT, step(pack, undo=unpack_reserved)), []),
        ((RESERVE, sleep(HOUR), step(pack, undo=unpack_reserved)), []),
        ((RESERVE, PAY, step(pack, undo=unpack_reserved)), ["S020"]),
        ((PAY, step(pack, undo=unpack_paid)), ["S020"]),
        ((PAY, sleep(HOUR), step(pack, undo=unpack_paid)), []),
        ((PRINT, step(pack, undo=unpack_printed)), []),
        ((parallel(PRINT, step(pack, undo=unpack_printed)),), []),
        ((parallel(RESERVE, step(pack, undo=unpack_reserved)),), ["S020"]),
        ((parallel(RESERVE, PRINT), step(pack, undo=unpack_reserved)), ["S020"]),
        ((parallel(sequence(RESERVE, PRINT), sleep(HOUR)), step(pack, undo=unpack_reserved)), []),
        ((RESERVE, publish(told, undo=publish(told_reserved))), ["S020"]),
    ],
    ids=[
        "what the run itself made",
        "optional facts",
        "made before a durable action",
        "made before a sleep",
        "made before a wait, whose event may come early",
        "the event of a wait",
        "the event of a wait before a sleep",
        "the result of a durable action",
        "the result of a durable action of the branch above",
        "the reply to a command of the branch above",
        "a durable action in another branch records nothing of this one",
        "a durable action behind it in its own branch",
        "a correcting event",
    ],
)
def test_an_undo_in_a_run_counts_only_on_what_is_recorded(parts, codes) -> None:
    assert found(*parts) == codes


def test_an_undo_of_a_durable_action_is_warned_about_its_own_result() -> None:
    assert found(step(print_label, undo=void_printed)) == ["W001"]
    assert found(RESERVE, step(print_label, undo=unpack_reserved)) == []


def test_an_undo_may_know_its_own_result_under_another_name() -> None:
    @action
    async def void_renamed(first: Printed | None) -> None: ...

    assert found(step(print_label, undo=void_renamed, as_="first")) == []


def test_a_step_says_what_undoes_it_or_why_nothing_does_and_not_both() -> None:
    assert found(step(reserve)) == ["S010"]
    assert found(step(reserve, no_undo="  ")) == ["S010"]
    assert found(step(reserve, undo=release, no_undo="why")) == ["S010"]
    assert found(step(reserve, no_undo="reads only")) == []


def test_at_and_behind_the_pivot_nothing_is_undone() -> None:
    assert found(pivot(reserve), step(print_label)) == []
    assert found(pivot(reserve), step(print_label, undo=void_label)) == ["S011"]


def test_without_limit_is_fine_before_the_pivot_only() -> None:
    for_ever = Retry(attempts=None)
    assert found(step(reserve, undo=release, retry=for_ever)) == []
    assert found(pivot(reserve, retry=for_ever)) == ["W002"]
    assert found(pivot(reserve), step(print_label, retry=for_ever)) == ["W002"]
    assert found(step(reserve, undo=release, undo_retry=for_ever)) == ["S012"]


def test_an_undo_is_of_the_kind_of_its_step() -> None:
    assert found(step(reserve, undo=told)) == ["S028"]  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert found(publish(told, undo=step(reserve))) == ["S028"]
    assert found(publish(told, undo=publish(told))) == []


def test_a_probe_gives_what_its_step_gives() -> None:
    assert found(step(print_label, undo=void_label, probe=print_label)) == []
    assert found(step(print_label, undo=void_label, probe=void_label)) == ["S028"]
    assert found(pivot(reserve, probe=pack)) == ["S028"]
