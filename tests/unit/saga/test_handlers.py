"""Authors' functions as workers call them: JSON in, messages or JSON out."""

from datetime import UTC, date, datetime

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from orchestrator import ActionContext, Command, Event, Rejected, Saga, action, command, event, publish, step
from orchestrator.errors import HandlerMissingError, OrchestratorError
from orchestrator.saga.handlers import Handlers


class Line(BaseModel):
    sku: str


class Placed(Event, type="order.placed"):
    model_config = ConfigDict(strict=True)

    order_id: str
    due: date = date(2026, 1, 2)
    lines: tuple[Line, ...] = ()


class Reserve(Command["Reserved"], type="stock.reserve"):
    order_id: str
    lines: tuple[Line, ...]
    reservation: str = ""


class Reserved(Event, type="stock.reserved"):
    reservation: str
    at: datetime = datetime(2026, 1, 2, tzinfo=UTC)


class Printed(Event):
    label: str


@command(to="stock")
def reserve(placed: Placed) -> Reserve:
    return Reserve(order_id=placed.order_id, lines=placed.lines)


@command(to="stock")
def release(placed: Placed, reserved: Reserved | None) -> Reserve:
    return Reserve(order_id=placed.order_id, lines=(), reservation=reserved.reservation if reserved else "none")


@action
async def print_label(placed: Placed, ctx: ActionContext) -> Printed:
    if placed.order_id == "bad":
        raise Rejected("no paper")
    return Printed(label=f"{placed.order_id}/{ctx.idempotency_key}")


@action(brief=True)
async def void(placed: Placed) -> None: ...


@action
async def lies(placed: Placed) -> Printed:
    return placed  # type: ignore[return-value]  # pyright: ignore[reportReturnType]


@event
def told(placed: Placed) -> Placed:
    return placed


SAGA = Saga(
    "ship",
    step(reserve, undo=release),
    step(print_label, undo=void),
    step(lies, as_="lie", no_undo="a test", probe=print_label),
    publish(told),
    starts_on=Placed,
    key="order_id",
    version=1,
)
HANDLERS = Handlers.of([SAGA.handlers])
PLACED = {"order_id": "A17", "due": "2026-02-03", "lines": [{"sku": "tea"}]}
CTX = ActionContext(idempotency_key="k1")


def test_every_function_has_a_handler_undo_and_probe_included() -> None:
    assert list(HANDLERS) == [
        f"ship.{name}@1" for name in ("reserve", "release", "print_label", "void", "lies", "told")
    ]
    assert len(HANDLERS) == 6
    assert "ship.void@1" in HANDLERS


def test_a_handler_tells_its_lane_and_what_it_builds() -> None:
    shown = {
        name: (HANDLERS[f"ship.{name}@1"].lane, HANDLERS[f"ship.{name}@1"].message_type)
        for name in ("reserve", "void", "told")
    }
    assert shown == {
        "reserve": ("command", "stock.reserve"),
        "void": ("brief", None),
        "told": ("publish", "order.placed"),
    }


def test_a_command_is_built_from_facts_as_json_also_by_strict_models() -> None:
    built = HANDLERS["ship.reserve@1"].build({"placed": PLACED, "unused": 1})
    assert built == Reserve(order_id="A17", lines=(Line(sku="tea"),))


def test_an_optional_fact_that_is_missing_is_none() -> None:
    handler = HANDLERS["ship.release@1"]
    assert handler.build({"placed": PLACED}).model_dump()["reservation"] == "none"
    assert handler.build({"placed": PLACED, "reserved": None}).model_dump()["reservation"] == "none"
    assert handler.build({"placed": PLACED, "reserved": {"reservation": "r1"}}).model_dump()["reservation"] == "r1"


def test_a_required_fact_that_is_missing_is_an_error() -> None:
    with pytest.raises(ValidationError):
        HANDLERS["ship.reserve@1"].build({})


async def test_an_action_gets_facts_and_context_and_gives_json() -> None:
    assert await HANDLERS["ship.print_label@1"].act({"placed": PLACED}, CTX) == {"label": "A17/k1"}
    assert await HANDLERS["ship.void@1"].act({"placed": PLACED}, CTX) is None


async def test_a_result_that_is_not_what_the_action_declares_is_an_error() -> None:
    with pytest.raises(ValidationError):
        await HANDLERS["ship.lies@1"].act({"placed": PLACED}, CTX)


async def test_a_rejection_comes_through() -> None:
    with pytest.raises(Rejected, match="no paper"):
        await HANDLERS["ship.print_label@1"].act({"placed": {**PLACED, "order_id": "bad"}}, CTX)


def test_a_reply_is_checked_and_written_as_json() -> None:
    read = HANDLERS["ship.reserve@1"].read_reply
    assert read(b'{"reservation": "r1", "more": 1}') == {"reservation": "r1", "at": "2026-01-02T00:00:00Z"}
    with pytest.raises(ValidationError):
        read(b'{"reservation": null}')


def test_an_unknown_name_says_what_to_do() -> None:
    with pytest.raises(HandlerMissingError, match=r"no code is registered as 'ship\.reserve@9'"):
        HANDLERS["ship.reserve@9"]


def test_one_function_may_stand_in_two_versions_but_two_functions_not_under_one_name() -> None:
    assert len(Handlers.of([SAGA.handlers, SAGA.handlers])) == 6
    other = Saga("ship", step(_other(), undo=release), starts_on=Placed, key="order_id", version=2)
    with pytest.raises(OrchestratorError, match=r"two functions are called 'ship\.reserve@1'.*version=2"):
        Handlers.of([SAGA.handlers, other.handlers])


def _other():
    @command(to="stock")
    def reserve(placed: Placed) -> Reserve:
        return Reserve(order_id=placed.order_id, lines=())

    return reserve
