"""Messages: their names, and how commands find what answers them."""

import pytest
from pydantic import BaseModel, Field, ValidationError

from orchestrator import Command, Event
from orchestrator.messages import (
    Envelope,
    is_traceparent,
    new_traceparent,
    refusal_of,
    reply_of,
    short_hash,
    snake_case,
)


class Reserve(Command["Reserved", "Refused"], type="stock.reserve"):
    sku: str


class ReserveFaster(Reserve, type="stock.reserve-faster"):
    pass


class Release(Command["Reserved"]):
    sku: str


class Reserved(Event, type="stock.reserved"):
    reservation: str = Field(alias="reservationId")


class Refused(Event):
    why: str


class Plain(Command[Reserved]):
    pass


class Nobody(Command["NotThere"]):  # type: ignore[name-defined]  # pyright: ignore[reportUndefinedVariable]
    pass


class Mistaken(Command["snake_case"]):  # type: ignore[valid-type]  # pyright: ignore[reportInvalidTypeForm, reportInvalidTypeArguments]
    pass


class Bare(Command):  # type: ignore[type-arg]
    pass


@pytest.mark.parametrize(
    ("name", "known_as"), [("StockReserved", "stock_reserved"), ("HTTPCall", "http_call"), ("A1B", "a1_b"), ("x", "x")]
)
def test_a_class_is_known_by_its_name_in_snake_case(name, known_as) -> None:
    assert snake_case(name) == known_as


def test_the_type_is_the_declared_one_else_the_name_with_dashes() -> None:
    assert Reserve.message_type == "stock.reserve"
    assert Release.message_type == "release"
    assert ReserveFaster.message_type == "stock.reserve-faster"


def test_a_reply_may_be_named_before_it_is_defined() -> None:
    assert reply_of(Reserve) is Reserved
    assert refusal_of(Reserve) is Refused


def test_a_reply_may_be_a_class_and_the_refusal_is_any_event_then() -> None:
    assert reply_of(Plain) is Reserved
    assert refusal_of(Plain) is Event


def test_a_derived_command_has_the_reply_of_the_one_it_is_derived_from() -> None:
    assert reply_of(ReserveFaster) is Reserved


def test_a_reply_that_is_not_there_is_named_with_class_file_and_remedy() -> None:
    with pytest.raises(LookupError, match=r"Nobody names 'NotThere'.*test_messages\.py: define or import it there"):
        reply_of(Nobody)


def test_a_reply_that_is_no_message_is_refused() -> None:
    with pytest.raises(LookupError, match="'snake_case' as its answer, which is no message"):
        reply_of(Mistaken)


def test_a_command_without_a_reply_is_told_how_to_declare_one() -> None:
    with pytest.raises(LookupError, match="derive it from Command"):
        reply_of(Bare)


def test_a_message_is_immutable_and_ignores_what_it_does_not_know() -> None:
    message = Reserve.model_validate({"sku": "tea", "colour": "green"})
    assert message.model_dump() == {"sku": "tea"}
    with pytest.raises(ValidationError):
        message.sku = "coffee"  # type: ignore[misc]


def test_a_field_travels_under_its_alias_and_is_read_by_either_name() -> None:
    message = Reserved(reservation="r1")  # pyright: ignore[reportCallIssue]
    assert message.model_dump_json() == '{"reservationId":"r1"}'
    assert Reserved.model_validate_json(message.model_dump_json()) == message


def test_infinity_is_no_value() -> None:
    class Weighed(Event):
        weight: float

    assert issubclass(Weighed, BaseModel)
    with pytest.raises(ValidationError):
        Weighed(weight=float("inf"))


def test_copies_share_an_identity_and_the_body_tells_others_apart() -> None:
    one = Envelope(id="1", source="shop", type="a", body=b"{}")
    copy = Envelope(id="1", source="shop", type="a", body=b"{}")
    other = Envelope(id="1", source="shop", type="a", body=b"{} ")
    assert one.identity == copy.identity == other.identity
    assert one.body_hash == copy.body_hash != other.body_hash


def test_headers_are_added_to_a_copy() -> None:
    envelope = Envelope(id="1", source="shop", type="a", body=b"{}", headers={"x": "1"})
    assert envelope.with_headers(saga_step="pay").headers == {"x": "1", "saga-step": "pay"}
    assert envelope.headers == {"x": "1"}


def test_no_two_lists_of_parts_have_one_hash() -> None:
    assert short_hash("a", "bc") != short_hash("ab", "c")
    assert len(short_hash("a")) == 32


def test_a_fresh_trace_context_is_one() -> None:
    assert is_traceparent(new_traceparent())
    assert not is_traceparent(f"00-{'0' * 32}-{'1' * 16}-01")
    assert not is_traceparent("nonsense")
