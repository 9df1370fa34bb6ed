"""Every metric there is: its name, kind, unit, meaning and labels. docs/metrics.md is made from this table.

Labels are words of which there are few: sagas, steps, outcomes. Never an id, nor anything that a message says.
"""

from __future__ import annotations

from orchestrator.service.meters import Kind, Metric


def _metric(name: str, unit: str, meaning: str, source: str, *labels: str, kind: Kind = "counter") -> Metric:
    return Metric(name=name, kind=kind, unit=unit, meaning=meaning, source=source, labels=labels)


LEDGER = "whoever writes the ledger"
WORKER = "workers"
PARTICIPANT = "participants"
RECORDER = "the recorder"
EVERY = "every process"
READS = "workers, the reconciler and the console, from the ledger"

EXECUTIONS_STARTED = _metric(
    "saga.executions.started", "{execution}", "Executions that the ledger came to know.", LEDGER, "saga"
)
EXECUTIONS_ENDED = _metric(
    "saga.executions.ended",
    "{execution}",
    "Ends that executions came to; one that a person undoes later comes to a second one.",
    LEDGER,
    "saga",
    "status",
)
EXECUTION_DURATION = _metric(
    "saga.execution.duration",
    "s",
    "How long executions took from their start to an end.",
    LEDGER,
    "saga",
    "status",
    kind="histogram",
)
EXECUTIONS_OPEN = _metric(
    "saga.executions.open",
    "{execution}",
    "Executions that go on or wait for a person, by status.",
    READS,
    "saga",
    "status",
    kind="gauge",
)
ATTEMPTS = _metric(
    "saga.attempts",
    "{attempt}",
    "Attempts that ended, as the journal has them; `direction` is do, undo or probe.",
    LEDGER,
    "saga",
    "step",
    "direction",
    "outcome",
)
ATTEMPTS_REPEATED = _metric(
    "saga.attempts.repeated", "{attempt}", "Those of them that were not the first.", LEDGER, "saga", "step", "direction"
)
ATTEMPT_DURATION = _metric(
    "saga.attempt.duration",
    "s",
    "How long attempts took from their begin to their outcome, waits for replies included; only of those that were"
    " begun and heard of in one process.",
    LEDGER,
    "saga",
    "step",
    "direction",
    kind="histogram",
)
RUNS_LOST = _metric(
    "saga.runs.lost",
    "{run}",
    "Times that what a lost attempt may have begun was counted as begun, to be undone.",
    LEDGER,
    "saga",
)
COMMANDS_OF_PEOPLE = _metric(
    "saga.operator.commands",
    "{command}",
    "Commands of people, as the journal has them; `outcome` is ok or refused.",
    LEDGER,
    "saga",
    "command",
    "outcome",
)
RUNS = _metric("saga.runs", "{run}", "Runs of brief steps in the express lane.", WORKER, "saga")
RUNS_OVER_BUDGET = _metric(
    "saga.runs.over_budget",
    "{run}",
    "Those that had spent their budget when they ended: what was not answered by then goes on durably.",
    WORKER,
    "saga",
)
COMMANDS_RESENT = _metric(
    "saga.commands.resent",
    "{command}",
    "Unanswered commands that were sent again.",
    WORKER,
    "saga",
    "step",
    "direction",
)
RELAY_RECEIVED = _metric(
    "saga.relay.received",
    "{message}",
    "Events that the relay took from the broker: those of all outcomes, and those in hand.",
    WORKER,
)
RELAY_MESSAGES = _metric(
    "saga.relay.messages",
    "{message}",
    "What became of them: started, delivered, duplicate, ignored, unheard, retried, parked or returned.",
    WORKER,
    "outcome",
)
REPLIES_RECEIVED = _metric(
    "saga.replies.received",
    "{message}",
    "Replies that the reply desk took from the broker: those of all outcomes, and those in hand.",
    WORKER,
)
REPLIES = _metric(
    "saga.replies",
    "{message}",
    "What became of them: handed to who waited here, answered to an execution, ignored, retried, parked or returned.",
    WORKER,
    "outcome",
)
LEDGER_GIVEN = _metric(
    "saga.ledger.given",
    "{change}",
    "Changes that were given to the ledger's buffer: those of all outcomes and those that wait.",
    WORKER,
)
LEDGER_CHANGES = _metric(
    "saga.ledger.changes",
    "{change}",
    "What became of them: replaced by a newer one, written, dropped because the buffer was full, refused.",
    WORKER,
    "outcome",
)
LEDGER_MESSAGES = _metric(
    "saga.ledger.messages", "{message}", "Messages for the ledger: written, or dropped.", WORKER, "outcome"
)
LEDGER_TRANSACTIONS = _metric(
    "saga.ledger.transactions", "{transaction}", "Transactions in which it was written.", WORKER
)
LEDGER_WAITING = _metric(
    "saga.ledger.waiting", "{change}", "Changes that wait in the buffer now.", WORKER, kind="gauge"
)
LEDGER_CAPACITY = _metric(
    "saga.ledger.capacity",
    "{change}",
    "How many it has room for; half full, it holds back new executions.",
    WORKER,
    kind="gauge",
)
LEDGER_AWAY = _metric(
    "saga.ledger.away", "1", "1 while the ledger does not take what is written, else 0.", WORKER, kind="gauge"
)
CONSUMING = _metric(
    "saga.consuming",
    "1",
    "1 while messages are taken from the broker, 0 while a gate is closed because a server is away.",
    "workers, the recorder",
    "part",
    kind="gauge",
)
PARKED_WAITING = _metric(
    "saga.parked.waiting",
    "{message}",
    "Parked messages that wait for a person.",
    READS,
    "reason",
    kind="gauge",
)
PARTICIPANT_COMMANDS = _metric(
    "saga.participant.commands",
    "{command}",
    "Commands that were handled, copies included; `outcome` is ok, rejected, unknown or refused (parked).",
    PARTICIPANT,
    "participant",
    "command",
    "outcome",
)
PARTICIPANT_DURATION = _metric(
    "saga.participant.duration",
    "s",
    "How long that took, with its transaction.",
    PARTICIPANT,
    "participant",
    "command",
    kind="histogram",
)
OUTBOX_WAITING = _metric(
    "saga.outbox.waiting",
    "{event}",
    "Events in the outbox that the last sweep found, at most 200.",
    PARTICIPANT,
    "participant",
    kind="gauge",
)
OUTBOX_AGE = _metric(
    "saga.outbox.age", "s", "Age of the oldest of them; 0 if there is none.", PARTICIPANT, "participant", kind="gauge"
)
STORED_MESSAGES = _metric(
    "saga.event_store.messages",
    "{message}",
    "Messages that the recorder took for the event store: stored, repeated, differing (an id with another body; counted"
    " as repeated too) or unreadable.",
    RECORDER,
    "outcome",
)
STORE_BACKLOG = _metric(
    "saga.event_store.waiting",
    "{message}",
    "Messages in the recorder's hands that are not stored yet; as many as it may take at once, if it lags.",
    RECORDER,
    kind="gauge",
)
CONSOLE_REQUESTS = _metric(
    "saga.console.request.duration",
    "s",
    "How long the console took for a request; `route` is its template, empty where there is none.",
    "the console",
    "route",
    "status",
    kind="histogram",
)
SPANS_DROPPED = _metric(
    "saga.spans.dropped",
    "{span}",
    "Spans that were not kept: the folder or the collector did not take them, or too many waited for it.",
    "every process that traces",
)
LOOP_LAG = _metric(
    "saga.event_loop.lag",
    "s",
    "How much later than due the event loop came to a timer, looked at twice a second.",
    EVERY,
    kind="histogram",
)

METRICS: tuple[Metric, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
"""All of them, in the order of this file."""
