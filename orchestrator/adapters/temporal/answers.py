"""What Temporal's refusals mean: it is away, it will never take this, or nobody can tell."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from temporalio.service import RPCError, RPCStatusCode

from orchestrator.errors import EngineFaultError, EngineRefusedError, EngineUnavailableError, MessageTooLargeError

if TYPE_CHECKING:
    from orchestrator.errors import OrchestratorError

AWAY = frozenset(
    {
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.RESOURCE_EXHAUSTED,
        RPCStatusCode.ABORTED,
        RPCStatusCode.INTERNAL,
        RPCStatusCode.CANCELLED,
        RPCStatusCode.UNKNOWN,
        # Not the message's fault: it waits until somebody has renewed what we show.
        RPCStatusCode.UNAUTHENTICATED,
        RPCStatusCode.PERMISSION_DENIED,
    }
)
"""The whole server, or our way to it, is in trouble: every message would meet the same."""
NEVER = frozenset({RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.OUT_OF_RANGE})
"""This one request is refused, and always would be. Not FAILED_PRECONDITION: a namespace that fails over says it."""
MAX_PAYLOAD_BYTES = 1_900_000
"""Longest argument that is sent, bytes as the SDK encodes it: the server's limit is 2 MiB, a codec may add to it."""
SWELLING = 6
"""How many bytes one byte of a body may become at most: the SDK writes what is not ASCII as escapes."""


QUERY_PATIENCE = timedelta(seconds=5)
"""How long a worker may take to say where an execution stands."""
NOBODY = frozenset({RPCStatusCode.FAILED_PRECONDITION, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED})
"""How a query ends that no worker answers: the server has seen none lately, or our patience ended first."""


def no_worker(task_queue: str, seconds: int) -> EngineUnavailableError:
    """Nobody works where an answer was expected from."""
    return EngineUnavailableError(
        f"no worker of task queue {task_queue!r} answered within {seconds} s: start `saga worker`"
    )


def unavailable(error: RPCError) -> EngineUnavailableError:
    """What Temporal's answer means for callers who can only try again."""
    return EngineUnavailableError(_text(error))


def meaning(error: RPCError) -> OrchestratorError:
    """What Temporal's answer means for a message that was handed to it."""
    if error.status in AWAY:
        return unavailable(error)
    return EngineRefusedError(_text(error)) if error.status in NEVER else EngineFaultError(_text(error))


def check_fits(argument: Any, body: bytes) -> None:
    """Refuse what Temporal would refuse for its size, some of it in words that read like a passing trouble.

    Args:
        argument: what is to be sent.
        body: the message that it was made of.

    Raises:
        MessageTooLargeError: it does not fit.
    """
    if len(body) * SWELLING < MAX_PAYLOAD_BYTES:
        return
    size = len(json.dumps(argument, separators=(",", ":")))
    if size > MAX_PAYLOAD_BYTES:
        what = "the message, as Temporal would keep it (what is not ASCII takes six bytes or more),"
        raise MessageTooLargeError(size=size, limit=MAX_PAYLOAD_BYTES, what=what)


def _text(error: RPCError) -> str:
    return f"Temporal answers {error.status.name}: {error.message}"
