"""Names of everything on the broker, derived from one prefix, and the steps of the retry ladder."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class RetryStep:
    """One rung of the ladder: a queue in which a message rests for `delay`, then goes home."""

    name: str
    delay: timedelta


RETRY_STEPS = (
    RetryStep("1s", timedelta(seconds=1)),
    RetryStep("5s", timedelta(seconds=5)),
    RetryStep("30s", timedelta(seconds=30)),
    RetryStep("2m", timedelta(minutes=2)),
    RetryStep("10m", timedelta(minutes=10)),
    RetryStep("1h", timedelta(hours=1)),
)
"""From the shortest to the longest. One queue each: in a queue with mixed delays the longest holds up the rest."""


@dataclass(frozen=True, slots=True)
class Names:
    """Names of exchanges and queues; `prefix` is the setting `name_prefix`."""

    prefix: str

    @property
    def events(self) -> str:
        """Topic exchange to which events are published, by their type."""
        return f"{self.prefix}.events"

    @property
    def unrouted(self) -> str:
        """Fanout exchange that gets the events nobody is bound for."""
        return f"{self.prefix}.unrouted"

    @property
    def unrouted_queue(self) -> str:
        """Queue that keeps them until a relay has told them apart: wanted, optional, or a mistake."""
        return f"{self.prefix}.unrouted.q"

    @property
    def ingress(self) -> str:
        """Queue from which the relay takes events."""
        return f"{self.prefix}.ingress"

    @property
    def retry(self) -> str:
        """Topic exchange into the ladder; routing key `<step>.<queue to come back to>`."""
        return f"{self.prefix}.retry"

    @property
    def retry_back(self) -> str:
        """Topic exchange out of the ladder; each work queue is bound to it by `*.<its name>`."""
        return f"{self.prefix}.retry.back"

    @property
    def dead_letters(self) -> str:
        """Topic exchange for messages that are given up."""
        return f"{self.prefix}.dlx"

    @property
    def parking(self) -> str:
        """Queue that keeps them, with the reason, for a person."""
        return f"{self.prefix}.parking"

    @property
    def commands(self) -> str:
        """Topic exchange to which commands are published, by their type."""
        return f"{self.prefix}.commands"

    @property
    def replies(self) -> str:
        """Direct exchange for replies, by worker id; also the queue that all workers share for late ones."""
        return f"{self.prefix}.replies"

    @property
    def replies_late(self) -> str:
        """Fanout exchange that leads replies to no living worker into the shared queue."""
        return f"{self.prefix}.replies.late"

    @property
    def replies_sent(self) -> str:
        """Fanout exchange to which participants send replies: it leads them to `replies`, and to the event store."""
        return f"{self.prefix}.replies.sent"

    @property
    def store(self) -> str:
        """Queue from which the recorder takes a copy of every message into the event store."""
        return f"{self.prefix}.store"

    @property
    def log(self) -> str:
        """Stream that keeps the same copies on the broker, if it is wanted."""
        return f"{self.prefix}.log"

    def command_queue(self, participant: str) -> str:
        """Queue of one participant."""
        return f"{self.prefix}.commands.{participant}"

    def reply_queue(self, worker_id: str) -> str:
        """Queue of one worker process for the replies it waits for."""
        return f"{self.prefix}.replies.{worker_id}"

    def retry_queue(self, step: RetryStep) -> str:
        """Queue of one rung of the ladder."""
        return f"{self.prefix}.retry.{step.name}"
