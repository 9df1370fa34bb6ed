from datetime import UTC, datetime
from decimal import Decimal

import pytest
from pydantic import ConfigDict, Field

from orchestrator.contracts.catalogue import Catalogue
from orchestrator.errors import CatalogueError, MalformedMessageError, SchemaMismatchError, UnknownMessageTypeError
from orchestrator.messages import Event


class OrderPlaced(Event, type="order.placed"):
    order_id: str
    amount: Decimal = Decimal("1.50")
    at: datetime | None = None
    items: tuple[str, ...] = ()


class Renamed(Event, type="renamed"):
    order_id: str = Field(alias="orderId")


class Strict(Event, type="strict"):
    model_config = ConfigDict(strict=True)
    at: datetime


class OtherOrderPlaced(Event, type="order.placed"):
    order_id: int


CATALOGUE = Catalogue([OrderPlaced, Renamed, Strict, OrderPlaced])


def test_a_payload_is_validated_and_written_as_plain_json_values():
    body = b'{"order_id": "A17", "at": "2026-01-02T03:04:05Z", "items": ["x"], "unknown": 1}'
    assert CATALOGUE.validate("order.placed", body) == {
        "order_id": "A17",
        "amount": "1.50",
        "at": "2026-01-02T03:04:05Z",
        "items": ["x"],
    }


def test_strict_models_read_dates_as_json_writes_them():
    at = datetime(2026, 1, 2, tzinfo=UTC)
    assert CATALOGUE.validate("strict", b'{"at": "2026-01-02T00:00:00Z"}') == {
        "at": at.isoformat().replace("+00:00", "Z")
    }


def test_aliases_stay_as_they_travel():
    assert CATALOGUE.validate("renamed", b'{"orderId": "A17"}') == {"orderId": "A17"}


def test_an_unknown_type_is_told_by_name():
    with pytest.raises(UnknownMessageTypeError, match=r"order\.paid"):
        CATALOGUE.validate("order.paid", b"{}")


def test_a_body_that_is_no_json_is_malformed():
    with pytest.raises(MalformedMessageError):
        CATALOGUE.validate("order.placed", b"hello")


def test_a_mismatch_tells_the_field_and_never_the_value():
    with pytest.raises(SchemaMismatchError) as error:
        CATALOGUE.validate("order.placed", b'{"order_id": ["secret"], "amount": "secret"}')
    assert "order_id" in str(error.value)
    assert "amount" in str(error.value)
    assert "secret" not in str(error.value)


def test_many_problems_are_told_in_part():
    body = b'{"order_id": "A17", "items": [1, 2, 3, 4, 5, 6, 7]}'
    with pytest.raises(SchemaMismatchError, match="and 2 more"):
        CATALOGUE.validate("order.placed", body)


def test_a_body_that_is_no_object_does_not_fit():
    with pytest.raises(SchemaMismatchError, match="body: "):
        CATALOGUE.validate("order.placed", b"[]")


def test_one_type_with_two_models_is_an_error_that_names_both():
    with pytest.raises(CatalogueError) as error:
        Catalogue([OrderPlaced, OtherOrderPlaced])
    assert ".OrderPlaced" in str(error.value)
    assert ".OtherOrderPlaced" in str(error.value)


def test_the_catalogue_knows_its_types():
    assert CATALOGUE.types == {"order.placed", "renamed", "strict"}
