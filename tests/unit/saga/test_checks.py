"""Each rule of docs/definition-rules.md, broken once; the page lists every rule there is."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

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
from orchestrator.saga.flow import Part

PROJECT = Path(__file__).resolve().parents[3]
SECONDS = timedelta(seconds=5)


class Placed(Event, type="placed"):
    id: str
    price: float = 0.0


class Paid(Event, type="paid"):
    id: str


class Numbered(Event, type="numbered"):
    id: int


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
def needs_reserved(reserved: Reserved) -> Reserve:
    return Reserve(id=str(reserved.ok))


@command(to="stock")
def wrongly_typed(placed: Paid) -> Reserve:
    return Reserve(id=placed.id)


@command(to="stock")
def builds_an_event(placed: Placed) -> Paid:
    return Paid(id=placed.id)


@command(to="stock")
def loses_its_reply(placed: Placed) -> Lost:
    return Lost(id=placed.id)


@event
def publishes_a_command(placed: Placed) -> Reserve:
    return Reserve(id=placed.id)


@action
def not_a_coroutine(placed: Placed) -> Reserved:
    return Reserved()


@action
async def gives_a_number(placed: Placed) -> int:
    return 1


@action
async def work(placed: Placed) -> Reserved:
    return Reserved()


@action
async def unwork(placed: Placed, reserved: Reserved) -> None: ...


@event
def done(placed: Placed) -> Paid:
    return Paid(id=placed.id)


plain = step(reserve, undo=release)

BROKEN: dict[str, Callable[[], list[Part]]] = {
    "S001": lambda: [step(misspelt, no_undo="reads only")],
    "S002": lambda: [step(needs_reserved, no_undo="reads only", as_="early"), plain],
    "S003": lambda: [plain, step(work, no_undo="reads only")],
    "S004": lambda: [step(wrongly_typed, no_undo="reads only")],
    "S005": lambda: [step(not_a_coroutine, no_undo="reads only")],
    "S006": lambda: [step(builds_an_event, no_undo="reads only")],
    "S007": lambda: [publish(done), publish(done)],
    "S008": lambda: [pivot(reserve), pivot(reserve, as_="again")],
    "S009": lambda: [parallel(pivot(reserve), step(reserve, undo=release, as_="other"))],
    "S010": lambda: [step(reserve)],
    "S011": lambda: [pivot(reserve), step(reserve, undo=release, as_="late")],
    "S012": lambda: [step(reserve, undo=release, undo_retry=Retry(attempts=None))],
    "S013": lambda: [parallel()],
    "S014": lambda: [wait_for(Paid, within=SECONDS, key="nothing")],
    "S015": lambda: [wait_for(Paid)],
    "S016": lambda: [wait_for(Numbered, within=SECONDS)],
    "S017": lambda: [step(reserve, undo=release, as_="ctx")],
    "S018": lambda: [pivot(reserve), wait_for(Paid, within=SECONDS)],
    "S019": lambda: [step(reserve, undo=release, within=timedelta(days=2))],
    "S020": lambda: [step(reserve, undo=needs_reserved)],
    "S021": lambda: [step(gives_a_number, no_undo="reads only")],
    "S023": lambda: [step(loses_its_reply, no_undo="reads only")],
}


def build(*parts):
    return Saga("broken", *parts, starts_on=Placed, key="id", version=1, within=timedelta(days=1))


@pytest.mark.parametrize("code", sorted(BROKEN))
def test_a_broken_rule_is_named_by_its_code(code) -> None:
    with pytest.raises(SagaDefinitionError) as raised:
        build(*BROKEN[code]())
    assert {problem.split()[0] for problem in raised.value.problems} == {code}, raised.value


def test_the_page_lists_every_rule_and_each_is_broken_here() -> None:
    page = (PROJECT / "docs" / "definition-rules.md").read_text()
    source = (PROJECT / "orchestrator" / "saga" / "checks.py").read_text()
    used = set(re.findall(r'"([SW]\d{3})"', source))
    assert set(re.findall(r"^\| ([SW]\d{3}) ", page, re.MULTILINE)) == used
    assert {code for code in used if code[0] == "S"} == set(BROKEN)


def test_all_problems_come_at_once_with_place_and_remedy() -> None:
    with pytest.raises(SagaDefinitionError) as raised:
        build(step(misspelt, no_undo="reads only"), step(reserve))
    text = str(raised.value)
    assert "saga 'broken'" in text
    assert "Did you mean 'placed'?" in text
    assert re.search(r"S001 .*test_checks\.py:\d+", text)
    assert re.search(r"S010 reserve has neither undo= nor no_undo.*test_checks\.py:\d+", text)


def test_warnings_do_not_stop_a_saga() -> None:
    saga = build(step(work, undo=unwork), pivot(reserve, as_="sent"), publish(done, retry=Retry(attempts=None)))
    assert [warning.split()[0] for warning in saga.warnings] == ["W001", "W002"]


def test_a_sound_saga_has_no_problems_and_no_warnings() -> None:
    saga = build(plain, parallel(sequence(sleep(SECONDS)), wait_for(Paid, within=SECONDS)), pivot(reserve, as_="sent"))
    assert saga.warnings == ()
    assert list(saga.events) == ["placed", "paid"]


def test_a_key_of_a_type_that_names_nothing_is_refused() -> None:
    with pytest.raises(SagaDefinitionError, match="a key is str or int"):
        Saga("broken", plain, starts_on=Placed, key="price", version=1)
