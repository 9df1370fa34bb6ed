"""Handles a command with patience: tries again after a fault, waits for a store that is away.

A fault is never stored, for nobody knows what it means. After the last try the answer is `failed`, retryable: the saga
then decides by the step's policy, and a person can read which participant fails and why.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from orchestrator.errors import Rejected, StoreUnavailableError
from orchestrator.participant.handling import read

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from orchestrator.messages import Envelope
    from orchestrator.participant.handling import Answer, Task
    from orchestrator.participant.kit import Participant
    from orchestrator.participant.ports import Store

log = logging.getLogger("saga.participant")

PAUSES_S = (0.1, 0.5)
"""Pauses before the second and third try of a handler that has a fault, seconds."""
FIRST_WAIT_S = 0.2
"""First wait for a store that is away, seconds; it doubles."""
LONGEST_WAIT_S = 5.0
FAULT = "fault"
"""Code of the answer when every try had a fault."""


async def handle_patiently(
    participant: Participant,
    store: Store,
    envelope: Envelope,
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Answer:
    """Carry out a command, or answer as before. What it did is stored when this returns.

    A store that is away is waited for without end: the command stays in hand, so no more than the prefetch are taken.

    Raises:
        MessageError: the command cannot be taken: parking.
    """
    task = read(participant, envelope)
    kind = ""
    for pause in (0.0, *PAUSES_S):
        await sleep(pause)
        try:
            return await _carry_out(task, store, sleep)
        except Exception as error:
            kind = type(error).__name__
            log.exception("%s could not carry out %s %s", participant.name, envelope.type, task.headers.key)
    # The error's own text stays in the log: it may hold what is nobody else's business.
    text = f"{participant.name} could not carry out {envelope.type}: {kind}; see its log"
    return task.refuse(Rejected(text, code=FAULT, retryable=True))


async def _carry_out(task: Task, store: Store, sleep: Callable[[float], Awaitable[None]]) -> Answer:
    wait = FIRST_WAIT_S
    while True:
        try:
            return await task.carry_out(store)
        except StoreUnavailableError as error:
            log.warning("%s waits for its store: %s", task.participant.name, error)
        await sleep(wait)
        wait = min(wait * 2, LONGEST_WAIT_S)
