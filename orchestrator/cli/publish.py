"""`saga publish`: one event onto the broker, refused before it is sent if the relay would only park it."""

from __future__ import annotations

import asyncio
import uuid
from codecs import BOM_UTF8
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.adapters.rabbitmq.names import Names
from orchestrator.adapters.rabbitmq.publisher import Publisher
from orchestrator.cli.context import DEFAULT, SagasOption, load_sagas, plain_console
from orchestrator.contracts.catalogue import Catalogue
from orchestrator.errors import MessageTooLargeError, OrchestratorError
from orchestrator.messages import Envelope, new_traceparent
from orchestrator.service.routing import Routes
from orchestrator.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.saga.definition import Saga


def publish(
    message_type: str,
    file: Annotated[typer.FileBinaryRead, typer.Argument(help="a JSON file, or - for standard input")],
    sagas: SagasOption = DEFAULT,
) -> None:
    """Publish one event that a saga starts on or waits for, checked against its contract, its size and its key."""
    settings = load_settings()
    body = file.read().removeprefix(BOM_UTF8)
    if len(body) > settings.max_body_bytes:
        raise MessageTooLargeError(size=len(body), limit=settings.max_body_bytes)
    require_fit(load_sagas(sagas), sagas, message_type, body)
    envelope = Envelope(
        id=uuid.uuid4().hex, source="saga-cli", type=message_type, body=body, traceparent=new_traceparent()
    )

    async def send() -> None:
        async with Publisher.open(settings, purpose="saga publish") as publisher:
            names = Names(settings.name_prefix)
            await publisher.publish(envelope, exchange=names.events, routing_key=message_type)

    asyncio.run(send())
    plain_console().print(f"published {message_type} with id {envelope.id}", soft_wrap=True)


def require_fit(sagas: Sequence[Saga], reference: str, message_type: str, body: bytes) -> None:
    """Refuse an event that the relay of these sagas would park.

    Raises:
        OrchestratorError: none of them takes the type; names those that are taken.
        MessageError: the body does not fit its contract, or names no execution.
    """
    models = {model.message_type: model for saga in sagas for model in saga.events.values()}
    if message_type not in models:
        close = get_close_matches(message_type, models, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"they take {', '.join(sorted(models))};"
        raise OrchestratorError(
            f"no saga of {reference} starts on or waits for {message_type!r}: {hint} name the sagas that take it by"
            " --sagas module:ATTRIBUTE"
        )
    payload = Catalogue(models.values()).validate(message_type, body)
    Routes.of(saga.plan for saga in sagas).find(message_type, payload)
