import pytest

from orchestrator.service.parked_arrivals import plain
from orchestrator.service.parked_records import Attributes, Content, Origin
from tests.parked_kit import again, arrival


def test_copies_of_one_message_have_one_id_and_each_its_own_hash() -> None:
    first, second = arrival(1), again(1)
    assert first.id == second.id
    assert first.copy_hash != second.copy_hash
    assert arrival(1).copy_hash == first.copy_hash


@pytest.mark.parametrize(
    "changes",
    [
        {"said": {"id": "m2"}},
        {"said": {"source": "/bank"}},
        {"said": {"type": "order.changed"}},
        {"body": b"other"},
        {"home": "saga.commands.inventory"},
    ],
)
def test_what_differs_in_identity_content_or_consumer_is_another_message(changes) -> None:
    assert arrival(1, **changes).id != arrival(1).id


@pytest.mark.parametrize("missing", ["id", "source"])
def test_a_message_without_identity_is_known_by_its_copy_alone(missing) -> None:
    first, second = arrival(1, said={missing: ""}), again(1, said={missing: ""})
    assert first.id != second.id
    assert first.id == arrival(1, said={missing: ""}).id


def test_an_event_that_nobody_was_bound_for_is_the_relays() -> None:
    unrouted = arrival(1, origin=Origin("saga.unrouted.q", "saga.events", "order.placed"), home="saga.ingress")
    assert unrouted.id == arrival(1).id


@pytest.mark.parametrize(
    "text",
    [
        "'order.placed' does not fit its contract: order_id 2 is no text",
        "'order.placed' does not fit its contract: order_id 31415 is no text",
    ],
)
def test_causes_that_differ_in_numbers_only_are_one_cause(text) -> None:
    assert arrival(2, text=text).fingerprint == arrival(1).fingerprint


def test_causes_that_differ_in_ids_of_executions_and_messages_only_are_one_cause() -> None:
    def of(key: str, message: str) -> str:
        text = f"'trip:{key}' cannot use message '{message}': {key} has ended"
        return arrival(1, candidates=(f"trip:{key}",), said={"id": message}, text=text).fingerprint

    assert of("anna", "mail-x") == of("bert", "mail-yz")
    assert of("anna", "mail-x") != arrival(1, candidates=("trip:anna",), text="'trip:anna' is away").fingerprint


def test_ids_are_replaced_where_they_stand_as_words_only() -> None:
    one = arrival(1, said={"id": "a"}, text="a bad day")
    other = arrival(1, said={"id": "b"}, text="b bad day")
    assert one.fingerprint == other.fingerprint


@pytest.mark.parametrize(
    "changes",
    [
        {"reason": "malformed"},
        {"text": "something else"},
        {"said": {"type": "order.changed"}},
        {"origin": Origin("saga.commands.inventory", "saga.commands", "inventory.reserve")},
        {"candidates": ("trip:1",)},
    ],
)
def test_another_reason_error_type_queue_or_saga_is_another_cause(changes) -> None:
    assert arrival(1, **changes).fingerprint != arrival(1).fingerprint


def test_the_saga_is_that_of_all_executions_that_are_named() -> None:
    assert arrival(1, candidates=("trip:1", "trip:2")).saga == "trip"
    assert arrival(1, candidates=("trip:1", "bank:2")).saga == ""
    assert arrival(1).saga == ""
    assert arrival(1, attributes=Attributes(execution="bank:7")).saga == "bank"


def test_foreign_text_becomes_what_databases_take() -> None:
    assert plain("a\x00b\ud800c", 4) == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"
    assert plain("grün 🚀") == "grün 🚀"


def test_contents_do_not_show_in_a_representation() -> None:
    assert "secret" not in repr(Content(body=b"secret"))
