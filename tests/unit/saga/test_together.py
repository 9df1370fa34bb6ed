"""What sound sagas may not have between them: one worker runs them all, and one broker carries all their messages."""

from orchestrator import Command, Event, Saga, action, command, event, publish, step
from orchestrator.saga.together import clashes


class Placed(Event, type="placed"):
    id: str


class Charged(Event, type="charged"):
    id: str


class Charge(Command["Charged"], type="charge"):
    id: str


@command(to="payments")
def charge(placed: Placed) -> Charge:
    return Charge(id=placed.id)


@command(to="billing", version=2)
def bill(placed: Placed) -> Charge:
    return Charge(id=placed.id)


@action
async def pack(placed: Placed) -> None: ...


def other_pack():
    @action
    async def pack(placed: Placed) -> None: ...

    return pack


def other_placed():
    class Placed(Event, type="placed"):
        id: str
        more: int = 0

    return Placed


def saga(function, *, name="shop", version=1, starts_on: type[Event] = Placed):
    part = publish(function) if function.lane == "publish" else step(function, no_undo="a test")
    return Saga(name, part, starts_on=starts_on, key="id", version=version)


def told(*sagas):
    return [(one.version, problem.code, problem.text.partition(" (")[0]) for one, problem in clashes(sagas)]


def test_sagas_that_share_functions_and_messages_go_together() -> None:
    assert told(saga(charge), saga(charge), saga(charge, version=2), saga(charge, name="till"), saga(pack)) == [
        (1, "S026", "two sagas are called shop version 1")
    ]
    assert told(saga(charge), saga(pack, version=2), saga(charge, name="till"), saga(other_pack(), name="desk")) == []


def test_a_command_that_another_saga_sends_elsewhere_is_told_with_both_ends() -> None:
    ((later, problem),) = clashes([saga(charge), saga(bill, version=2), saga(charge, name="till")])
    assert (later.version, problem.code) == (2, "S033")
    assert problem.text.startswith("bill() sends 'charge' to 'billing', charge() (saga/test_together.py:")
    assert "to 'payments', and each of them would get both: give one a command type of its own" in problem.text
    assert problem.place.startswith("saga/test_together.py:")


def test_a_function_whose_code_another_version_changed_is_told() -> None:
    """A worker of both would not know which of them a plan means."""
    ((later, problem),) = clashes([saga(pack), saga(other_pack(), version=2)])
    assert (later.version, problem.code) == (2, "S027")
    assert problem.text.startswith("pack() is declared here and in saga/test_together.py:")


def test_a_message_type_of_two_classes_is_told() -> None:
    theirs = other_placed()

    @event
    def tell(placed: theirs) -> theirs:  # type: ignore[valid-type]
        return placed

    ((_, problem),) = clashes([saga(charge), saga(tell, name="till", starts_on=theirs)])
    assert problem.code == "S027"
    assert problem.text == "Placed and Placed (saga/test_together.py) have type 'placed': a type is one class"


def test_actions_send_nothing_so_their_results_are_nobodys_contract() -> None:
    @action
    async def look(placed: Placed) -> Charged:
        return Charged(id=placed.id)

    class Charged2(Event, type="charged"):
        id: str

    @action
    async def look_again(placed: Placed) -> Charged2:
        return Charged2(id=placed.id)

    assert told(saga(look), saga(look_again, name="till")) == []
