"""Signals that something has changed, as server-sent events: what changed is then read by a request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from pydantic_core import to_json

from orchestrator.console.api.context import Asking, Given, Text, caller_of, console_of
from orchestrator.console.api.lasting import outlasting
from orchestrator.console.api.problems import documented
from orchestrator.console.browsing import session_of
from orchestrator.errors import (
    IdentityUnavailableError,
    RequestProblemError,
    StoreUnavailableError,
    TooManyRequestsError,
    UnknownCallerError,
)
from orchestrator.service.feed import TOPICS, Signal, Topic

router = APIRouter(tags=["events"])
PING_SECONDS = 15.0
RETRY_MS = 3_000
HEADERS = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}
MAX_DIGITS = 15
MOST_TOGETHER = 100
"""Signals sent in one piece, some 200 bytes each."""
EVENTS: dict[Topic, str] = {
    "executions": "execution.changed",
    **{topic: f"{topic}.changed" for topic in TOPICS if topic != "executions"},
}
STREAM: dict[int | str, dict[str, Any]] = {
    200: {"description": "A stream of signals", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
}


@router.get("/events", response_class=StreamingResponse, responses={**documented(), **STREAM})
async def watch_events(
    *,
    request: Request,
    console: Given,
    caller: Asking,
    execution_id: Annotated[Text, Query(description="of this execution alone")] = "",
    topic: Annotated[
        list[Topic] | None, Query(description="of these alone; all, unless told; of one execution there is no other")
    ] = None,
    last_event_id: Annotated[
        str | None, Header(description="the last `id` that came: what was missed comes first")
    ] = None,
) -> StreamingResponse:
    """Signals: `ready` (from here on nothing is missed), `execution.changed`, `reset` (read everything again).

    Of parked messages, operations (and the audit) and bulks: `parked.changed`, `operations.changed`, `bulks.changed`.
    """
    if last_event_id is not None and not (last_event_id.isascii() and last_event_id.isdigit()):
        raise RequestProblemError("malformed", "Last-Event-ID is no id of this stream")
    since = None if last_event_id is None else int(last_event_id[:MAX_DIGITS])
    topics = TOPICS if topic is None else frozenset(topic)
    watching = console.feed.watch(caller, execution_id, topics=topics, since=since)
    queue = await watching.__aenter__()  # refusals come before the stream begins

    async def stream() -> AsyncIterator[bytes]:
        try:
            yield format_sse_event(retry=RETRY_MS)
            is_known = _asked_now_and_then(request)
            while not console.feed.is_closing and await is_known():
                yield await _next(queue)
        finally:
            await watching.__aexit__(None, None, None)

    return StreamingResponse(stream(), media_type="text/event-stream", headers=HEADERS)


def _asked_now_and_then(request: Request) -> Callable[[], Awaitable[bool]]:
    """Whether who watches is still let in: a stream outlives neither token nor session by long."""
    loop = asyncio.get_running_loop()
    asked = loop.time()

    async def is_known() -> bool:
        nonlocal asked
        if loop.time() < asked + PING_SECONDS:
            return True
        asked = loop.time()
        try:
            return await outlasting(_is_let_in(request))
        except (StoreUnavailableError, IdentityUnavailableError, TooManyRequestsError):
            return True  # nobody can tell now, or nobody should ask: it is asked again

    return is_known


async def _is_let_in(request: Request) -> bool:
    console = console_of(request)
    if not console.identity.is_on:
        return True
    if "authorization" not in request.headers:
        # Not as a caller: that would count as using the session, and an open page would keep it for ever.
        return await console.service.entering.sessions.lasts(session_of(request))
    try:
        await caller_of(request, None)
    except UnknownCallerError:
        return False
    return True


async def _next(queue: asyncio.Queue[Signal]) -> bytes:
    """What is to be sent next: all that waits, at once, since each sending costs more than what it carries."""
    try:
        async with asyncio.timeout(PING_SECONDS):
            signals = [await queue.get()]
    except TimeoutError:
        return format_sse_event(comment="ping")
    while len(signals) < MOST_TOGETHER and not queue.empty():
        signals.append(queue.get_nowait())
    return b"".join(map(written, signals))


def written(signal: Signal) -> bytes:
    """A signal as it travels."""
    event = EVENTS[signal.topic] if signal.kind == "changed" else signal.kind
    said: dict[str, object] = {}
    if signal.row is not None:
        row = signal.row
        said = {
            "execution_id": row.execution_id,
            "saga": row.saga,
            "status": row.status,
            "revision": row.revision,
            "current_step": row.current_step,
            "at": row.changed,
        }
    return format_sse_event(event=event, id=str(signal.number), data_str=to_json(said).decode())
