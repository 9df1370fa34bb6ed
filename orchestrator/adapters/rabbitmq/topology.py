"""Making, checking and showing what the broker must have. Processes at work only check."""

from __future__ import annotations

import json
import logging
import re
import shlex
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from aio_pika.exceptions import AMQPException, ChannelNotFoundEntity
from rich.table import Table
from rich.text import Text

from orchestrator.adapters.rabbitmq.connection import broker_url, connected
from orchestrator.adapters.rabbitmq.declaring import declare, declare_one
from orchestrator.adapters.rabbitmq.layout import PRIORITY, Binding, Exchange, Layout, Policy, Queue, layout
from orchestrator.adapters.rabbitmq.management import open_management
from orchestrator.adapters.rabbitmq.names import Names
from orchestrator.errors import BrokerUnavailableError, TopologyError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection, Iterable, Mapping

    from aio_pika.abc import AbstractRobustConnection

    from orchestrator.adapters.rabbitmq.management import Management
    from orchestrator.saga.plan import Plan
    from orchestrator.settings import Settings

log = logging.getLogger(__name__)

OLDEST = (3, 10)
"""Oldest server whose quorum queues have a time to live and dead-letter at least once."""
FOREIGN = (
    "messages come in that no saga of this worker wants, and it will park them. If they belong to another application,"
    " give each a SAGA_NAME_PREFIX and a SAGA_TASK_QUEUE of its own; if to a saga that is gone, remove the bindings by"
    " `saga topology apply --prune`"
)
RIVAL = "by today's sagas these commands are another participant's, and both get them: `saga topology apply --prune`"
REMEDY = "run `saga topology apply`, with the same --sagas"


@dataclass(frozen=True, slots=True)
class Row:
    """One thing the broker must have, and how it stands.

    `unknown`: it can only be seen through the management API, which is not set, or does not let us look. `foreign`: it
    is there and no saga here wants it.
    """

    kind: Literal["exchange", "queue", "binding", "policy"]
    name: str
    state: Literal["ok", "missing", "different", "unknown", "foreign"]
    detail: str = ""


async def apply_topology(
    settings: Settings,
    plans: Iterable[Plan],
    participants: Mapping[str, Collection[str]] | None = None,
    *,
    prune: bool = False,
) -> tuple[Row, ...]:
    """Make what is missing, change what may change, and return how it stands then. Any number of times.

    Nothing is deleted but, with `prune`, bindings that bring us what no saga here wants, and those that bring another
    participant the commands of one that is wanted. Queues stay, with what lies in them.

    Raises:
        TopologyError: something exists with other arguments; the server is too old; or policies cannot be set, since
            the management API is not set (then the text has the commands that set them by hand).
        BrokerUnavailableError: the broker cannot be reached.
    """
    wanted = _layout(settings, plans, participants)
    async with _broker(settings) as (connection, management):
        _require_version(connection)
        wanted = _fitted(wanted, connection)
        await declare(connection, wanted)
        if management is None:
            raise TopologyError(_by_hand(settings, wanted))
        for policy in wanted.policies:
            await management.set_policy(policy)
        if prune:
            await _prune(connection, await management.bindings(), wanted)
        return await _look(connection, management, wanted)


async def show_topology(
    settings: Settings, plans: Iterable[Plan], participants: Mapping[str, Collection[str]] | None = None
) -> tuple[Row, ...]:
    """How everything the broker must have stands. Changes nothing.

    Raises:
        TopologyError: the management API is set and refuses us.
        BrokerUnavailableError: the broker cannot be reached, or the management API is set and cannot be reached.
    """
    wanted = _layout(settings, plans, participants)
    async with _broker(settings) as (connection, management):
        return await _look(connection, management, _fitted(wanted, connection))


async def check_topology(
    settings: Settings, plans: Iterable[Plan], participants: Mapping[str, Collection[str]] | None = None
) -> None:
    """What a process does before it goes to work.

    Raises:
        TopologyError: something is missing or different; names all of it, and says what to do.
    """
    wanted = _layout(settings, plans, participants)
    async with _broker(settings) as (connection, management):
        rows = await _look_even_so(connection, management, _fitted(wanted, connection))
    wrong = [f"{row.kind} {row.name} is {row.state} {row.detail}".rstrip() for row in rows if _is_wrong(row)]
    foreign = [row.name for row in rows if row.state == "foreign"]
    if foreign:
        log.warning("%s: %s", FOREIGN, ", ".join(foreign))
    if wrong:
        raise TopologyError(f"the broker is not ready: {'; '.join(wrong)}. {REMEDY.capitalize()}")


def _layout(settings: Settings, plans: Iterable[Plan], participants: Mapping[str, Collection[str]] | None) -> Layout:
    return layout(
        Names(settings.name_prefix),
        plans,
        participants,
        keeps_messages=settings.event_store,
        log=_log(settings) if settings.event_stream else None,
    )


def _log(settings: Settings) -> dict[str, Any]:
    """How much of the stream is kept. These are arguments: to change them, delete the stream and apply again."""
    return {"x-max-length-bytes": settings.event_stream_bytes, "x-max-age": f"{settings.event_stream_days}D"}


def as_table(rows: Iterable[Row]) -> Table:
    """The rows as a table for a terminal."""
    table = Table("kind", "name", "state", "detail", title="topology")
    colours = {"ok": "green", "missing": "red", "different": "red", "unknown": "yellow", "foreign": "yellow"}
    for row in rows:
        table.add_row(row.kind, Text(row.name), Text(row.state, style=colours[row.state]), Text(row.detail))
    return table


def _fitted(wanted: Layout, connection: AbstractRobustConnection) -> Layout:
    """The layout as this server takes it: before 4.0 there is no default delivery limit, and policies refuse -1."""
    if server_version(connection) >= (4, 0):
        return wanted
    fitted = (
        replace(policy, definition={name: value for name, value in policy.definition.items() if value != -1})
        for policy in wanted.policies
    )
    return replace(wanted, policies=tuple(fitted))


def server_version(connection: AbstractRobustConnection) -> tuple[int, ...]:
    """The server's version, as (3, 10, 8)."""
    transport = connection.transport
    properties: dict[str, Any] = getattr(transport.connection, "server_properties", {}) if transport else {}
    return tuple(int(part) for part in re.findall(r"\d+", str(properties.get("version", "0")))[:3])


@asynccontextmanager
async def _broker(settings: Settings) -> AsyncGenerator[tuple[AbstractRobustConnection, Management | None]]:
    async with AsyncExitStack() as stack:
        management = await stack.enter_async_context(open_management(settings))
        connection = await stack.enter_async_context(connected(settings, purpose="topology"))
        yield connection, management


def _require_version(connection: AbstractRobustConnection) -> None:
    version = server_version(connection)
    if version < OLDEST:
        found = ".".join(str(part) for part in version)
        raise TopologyError(f"RabbitMQ {found} is too old: 3.10 or newer is needed")


async def _prune(connection: AbstractRobustConnection, bindings: Collection[Binding], wanted: Layout) -> None:
    async with connection.channel(publisher_confirms=False) as channel:
        for binding in (*_foreign(bindings, wanted), *_rivals(bindings, wanted)):
            queue = await channel.get_queue(binding.queue, ensure=False)
            await queue.unbind(binding.source, binding.key)


async def _look(connection: AbstractRobustConnection, management: Management | None, wanted: Layout) -> tuple[Row, ...]:
    if management is not None:
        return await _look_closely(management, wanted)
    found = [await _look_for(connection, part) for part in wanted.places]
    found += [Row("binding", str(binding), "unknown") for binding in wanted.bindings]
    found += [Row("policy", policy.name, "unknown") for policy in wanted.policies]
    return tuple(found)


async def _look_even_so(
    connection: AbstractRobustConnection, management: Management | None, wanted: Layout
) -> tuple[Row, ...]:
    """As `_look`; a management API that is away keeps no process from its work."""
    try:
        return await _look(connection, management, wanted)
    except (TopologyError, BrokerUnavailableError) as error:
        log.warning("only exchanges and queues can be looked for: %s", error)
        return await _look(connection, None, wanted)


async def _look_for(connection: AbstractRobustConnection, part: Exchange | Queue) -> Row:
    """Whether it exists. On a channel of its own, which a missing one costs."""
    kind: Literal["exchange", "queue"] = "exchange" if isinstance(part, Exchange) else "queue"
    try:
        async with connection.channel(publisher_confirms=False) as channel:
            await declare_one(channel, part, passive=True)
    except ChannelNotFoundEntity:
        return Row(kind, part.name, "missing")
    except AMQPException as error:
        return Row(kind, part.name, "different", str(error))
    return Row(kind, part.name, "ok")


async def _look_closely(management: Management, wanted: Layout) -> tuple[Row, ...]:
    """Everything, with its arguments, through the management API."""
    exchanges, queues = await management.exchanges(), await management.queues()
    bindings, policies = await management.bindings(), await management.policies()
    return (
        *(_row("exchange", part.name, exchanges, {"type": part.kind, **_part(part)}) for part in wanted.exchanges),
        *(_row("queue", part.name, queues, _part(part)) for part in wanted.queues),
        *(Row("binding", str(part), "ok" if part in bindings else "missing") for part in wanted.bindings),
        *(Row("binding", str(part), "foreign") for part in _foreign(bindings, wanted)),
        *(Row("binding", str(part), "different", RIVAL) for part in _rivals(bindings, wanted)),
        *(_row("policy", part.name, policies, _policy(part)) for part in wanted.policies),
    )


def _foreign(bindings: Collection[Binding], wanted: Layout) -> list[Binding]:
    """Bindings through which our relays get events that nobody here wants."""
    ways = {(binding.source, binding.queue) for binding in wanted.bindings if binding.queue == wanted.ingress}
    return sorted(
        (found for found in bindings if (found.source, found.queue) in ways and found not in wanted.bindings), key=str
    )


def _rivals(bindings: Collection[Binding], wanted: Layout) -> list[Binding]:
    """Bindings that bring a participant the commands of another, which would both carry them out."""
    owned = {binding.key for binding in wanted.bindings if binding.source == wanted.commands}
    ours = (found for found in bindings if found.source == wanted.commands and found not in wanted.bindings)
    return sorted(
        (found for found in ours if found.key in owned and found.queue.startswith(f"{wanted.commands}.")), key=str
    )


def _part(part: Exchange | Queue) -> dict[str, Any]:
    return {"durable": True, "arguments": dict(part.arguments)}


def _policy(policy: Policy) -> dict[str, Any]:
    return {"pattern": policy.pattern, "apply-to": policy.applies_to, "definition": dict(policy.definition)}


def _row(
    kind: Literal["exchange", "queue", "policy"],
    name: str,
    found: Mapping[str, Mapping[str, Any]],
    wanted: Mapping[str, Any],
) -> Row:
    if name not in found:
        return Row(kind, name, "missing")
    differing = [
        f"{key} is {found[name].get(key)!r}, wanted {value!r}"
        for key, value in wanted.items()
        if found[name].get(key) != value
    ]
    return Row(kind, name, "different" if differing else "ok", ", ".join(differing))


def _is_wrong(row: Row) -> bool:
    # A policy that an operator has tuned is his business.
    return row.state == "missing" or (row.state == "different" and row.kind != "policy")


def _by_hand(settings: Settings, wanted: Layout) -> str:
    vhost = broker_url(settings).path.removeprefix("/") or "/"
    lines = (
        f"  rabbitmqctl set_policy -p {shlex.quote(vhost)} --priority {PRIORITY} --apply-to {policy.applies_to}"
        f" {policy.name} {shlex.quote(policy.pattern)} {shlex.quote(json.dumps(dict(policy.definition)))}"
        for policy in wanted.policies
    )
    return (
        "exchanges, queues and bindings are made, policies are not: set SAGA_RABBITMQ_MANAGEMENT_URL and run this "
        "again, or run where the broker is:\n" + "\n".join(lines)
    )
