"""Names of attributes are those of the conventions, and every span has ours."""

from opentelemetry.semconv._incubating.attributes import messaging_attributes as messaging
from opentelemetry.semconv.attributes import error_attributes

from orchestrator.adapters.telemetry import semantic
from tests.unit.adapters.telemetry.test_otlp_json import ATTEMPT, SEND


def test_the_names_are_those_of_the_conventions_that_are_installed() -> None:
    ours = {name: value for name, value in vars(semantic).items() if name.startswith("MESSAGING_")}
    assert ours == {name: getattr(messaging, name) for name in ours}
    assert messaging.MessagingSystemValues.RABBITMQ.value == semantic.RABBITMQ
    assert semantic.ERROR_TYPE == error_attributes.ERROR_TYPE


def test_every_span_says_of_which_saga_execution_step_direction_attempt_outcome_and_correlation_it_is() -> None:
    bare = semantic.attributes_of(ATTEMPT)
    assert bare == {
        "saga.name": "shop",
        "saga.execution.id": "shop:1",
        "saga.step": "pay",
        "saga.direction": "undo",
        "saga.attempt": 2,
        "saga.outcome": "rejected",
        "saga.correlation.id": "thread",
        "saga.revision": 7,
        "error.type": "declined",
    }


def test_a_message_is_described_by_the_conventions() -> None:
    found = semantic.attributes_of(SEND)
    assert {name: value for name, value in found.items() if name.startswith("messaging.")} == {
        "messaging.system": "rabbitmq",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": "saga.commands",
        "messaging.rabbitmq.destination.routing_key": "pay.charge",
        "messaging.message.id": "m1",
        "messaging.message.conversation_id": "thread",
        "messaging.message.body.size": 12,
    }
