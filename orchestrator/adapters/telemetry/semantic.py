"""Names of attributes: those of the OpenTelemetry conventions 1.45 for messaging, and ours.

The messaging conventions are still under development there, so all their names are in this one module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.util.types import AttributeValue

    from orchestrator.service.spans import Passed, Span

SCHEMA_URL = "https://opentelemetry.io/schemas/1.45.0"
SAGA = "saga.name"
EXECUTION = "saga.execution.id"
STEP = "saga.step"
DIRECTION = "saga.direction"
ATTEMPT = "saga.attempt"
OUTCOME = "saga.outcome"
CORRELATION = "saga.correlation.id"
REVISION = "saga.revision"
RANK = "saga.rank"
IGNORED = "saga.ignored"
ACTOR = "saga.actor"
ERROR_TYPE = "error.type"
MESSAGING_SYSTEM = "messaging.system"
MESSAGING_OPERATION_NAME = "messaging.operation.name"
MESSAGING_OPERATION_TYPE = "messaging.operation.type"
MESSAGING_DESTINATION_NAME = "messaging.destination.name"
MESSAGING_MESSAGE_ID = "messaging.message.id"
MESSAGING_MESSAGE_CONVERSATION_ID = "messaging.message.conversation_id"
MESSAGING_MESSAGE_BODY_SIZE = "messaging.message.body.size"
MESSAGING_RABBITMQ_DESTINATION_ROUTING_KEY = "messaging.rabbitmq.destination.routing_key"
RABBITMQ = "rabbitmq"


def attributes_of(span: Span) -> dict[str, AttributeValue]:
    """All that a span says of itself. The first seven are on every span, empty where there is nothing to say."""
    found: dict[str, AttributeValue] = {
        SAGA: span.saga,
        EXECUTION: span.execution_id,
        STEP: span.step,
        DIRECTION: span.direction,
        ATTEMPT: span.attempt,
        OUTCOME: span.outcome,
        CORRELATION: span.correlation_id,
    }
    optional: dict[str, AttributeValue] = {
        REVISION: span.revision,
        RANK: span.rank,
        IGNORED: span.ignored,
        ACTOR: span.actor,
        ERROR_TYPE: span.error,
    }
    found.update({name: value for name, value in optional.items() if value})
    if span.message is not None:
        found.update(_of_message(span.message, span.correlation_id))
    return found


def _of_message(message: Passed, correlation_id: str) -> dict[str, AttributeValue]:
    found: dict[str, AttributeValue] = {
        MESSAGING_SYSTEM: RABBITMQ,
        MESSAGING_OPERATION_NAME: message.operation,
        MESSAGING_OPERATION_TYPE: message.operation,
        MESSAGING_DESTINATION_NAME: message.destination,
        MESSAGING_MESSAGE_ID: message.message_id,
        MESSAGING_MESSAGE_CONVERSATION_ID: correlation_id,
        MESSAGING_MESSAGE_BODY_SIZE: message.size,
    }
    if message.routing_key:
        found[MESSAGING_RABBITMQ_DESTINATION_ROUTING_KEY] = message.routing_key
    return found
