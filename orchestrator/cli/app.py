"""The commands that look and ask: check, draw, show, cancel, publish, topology. Processes are started by `workers`."""

from __future__ import annotations

import asyncio
import getpass
import uuid
from typing import Annotated

import typer

from orchestrator.adapters.rabbitmq.names import Names
from orchestrator.adapters.rabbitmq.publisher import Publisher
from orchestrator.adapters.temporal.connecting import connect
from orchestrator.adapters.temporal.gateway import TemporalExecutions
from orchestrator.adapters.temporal.live import TemporalLive
from orchestrator.adapters.temporal.showing import result_of
from orchestrator.cli.check import check
from orchestrator.cli.context import DEFAULT, JsonOption, SagasOption, load_sagas, plain_console, print_document
from orchestrator.cli.draw import draw
from orchestrator.cli.ledger import ledger_app
from orchestrator.cli.showing import draw_execution
from orchestrator.cli.topology import topology_app
from orchestrator.contracts.catalogue import Catalogue
from orchestrator.errors import ExecutionNotFoundError
from orchestrator.messages import Envelope, new_traceparent
from orchestrator.saga.plan import Plan
from orchestrator.service.live import Seen
from orchestrator.settings import load_settings

console = plain_console()


def build_app() -> typer.Typer:
    """The Typer app; `workers` adds the commands that start processes."""
    app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    for command in (check, draw, show, cancel, publish):
        app.command()(command)
    app.add_typer(ledger_app(), name="ledger")
    app.add_typer(topology_app(load_settings, _plans), name="topology")
    return app


def _plans(sagas: str) -> list[Plan]:
    return [saga.plan for saga in load_sagas(sagas)]


def show(execution_id: str, *, json: JsonOption = False) -> None:
    """Show where an execution stands, from Temporal: each step in the order of the flow, and why it stands there."""

    async def ask() -> Seen | None:
        settings = load_settings()
        return await TemporalLive(await connect(settings), settings).look(execution_id)

    seen = asyncio.run(ask())
    if seen is None:
        raise ExecutionNotFoundError(execution_id)
    word = seen.gone.replace("_", " ").capitalize() or seen.execution.word
    if json:
        print_document({**result_of(seen.execution), "word": word, "in_doubt": seen.in_doubt})
    else:
        console.print(draw_execution(seen.execution.plan, seen.execution.state, word, seen.in_doubt))


def cancel(execution_id: str, reason: Annotated[str, typer.Option(help="why; it is recorded")]) -> None:
    """Stop an execution and undo what it did; refused behind the point of no return."""

    async def ask() -> None:
        settings = load_settings()
        executions = TemporalExecutions(await connect(settings), settings)
        await executions.cancel(execution_id, actor=getpass.getuser(), reason=reason)

    asyncio.run(ask())
    console.print(f"{execution_id}: cancel accepted; `saga show {execution_id}` tells how far it is", soft_wrap=True)


def publish(
    message_type: str,
    file: Annotated[typer.FileBinaryRead, typer.Argument(help="a JSON file, or - for standard input")],
    sagas: SagasOption = DEFAULT,
) -> None:
    """Publish one event, checked against its contract if a saga here knows the type."""
    body = file.read()
    models = {model.message_type: model for saga in load_sagas(sagas) for model in saga.events.values()}
    Catalogue(models.values()).validate(message_type, body)
    envelope = Envelope(
        id=uuid.uuid4().hex, source="saga-cli", type=message_type, body=body, traceparent=new_traceparent()
    )

    async def send() -> None:
        settings = load_settings()
        async with Publisher.open(settings, purpose="saga publish") as publisher:
            names = Names(settings.name_prefix)
            await publisher.publish(envelope, exchange=names.events, routing_key=message_type)

    asyncio.run(send())
    console.print(f"published {message_type} with id {envelope.id}", soft_wrap=True)
