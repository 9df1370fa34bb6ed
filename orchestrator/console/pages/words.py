"""The words, signs and looks by which pages tell statuses and operations apart; never colour alone. Tables."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from orchestrator.service.requests import How, Operation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.service.bulk import Order
    from orchestrator.service.bulk_records import BulkState
    from orchestrator.service.health import Part
    from orchestrator.service.operations import OperationState
    from orchestrator.service.parked_actions import Deed as ParkedDeed
    from orchestrator.service.parked_records import ParkedState
    from orchestrator.service.records import Status

Look: TypeAlias = Literal["active", "done", "attention", "doubtful", "left", "unknown"]


@dataclass(frozen=True, slots=True)
class Word:
    """How a status is told: a sign and a look, what it means, and what somebody who looks may do next."""

    look: Look
    sign: str
    text: str
    meaning: str = ""
    next_step: str = ""


STATUSES: Mapping[Status, Word] = MappingProxyType(
    {
        "running": Word("active", "▶", "running", "Its steps are under way."),
        "suspended": Word(
            "attention", "‖", "suspended", "A person suspended it: nothing new begins.", "Resume it, or cancel it."
        ),
        "parked": Word(
            "attention",
            "!",
            "parked",
            "A step behind the point of no return gave up, or has no code.",
            "Retry the step, retry it with other input, or skip it with a result.",
        ),
        "compensating": Word("active", "↩", "compensating", "It turned back: what was done is being undone."),
        "stuck": Word(
            "attention",
            "!",
            "failed, undo incomplete",
            "An undo gave up. What its step depended on waits; the rest is undone.",
            "Retry the undo, mark it done by hand, or give it up.",
        ),
        "completed": Word("done", "✓", "completed", "Everything was done. It can be undone until its window ends."),
        "compensated": Word("done", "↩", "failed, undone", "It turned back, and everything was undone."),
        "partially_compensated": Word(
            "doubtful", "◐", "failed, partly undone", "It turned back, and some effects stay as they are."
        ),
        "aborted": Word("left", "✗", "aborted", "It turned back before anything was done."),
        "terminated": Word(
            "doubtful",
            "■",
            "ended from outside",
            "It was ended in Temporal, past the saga: nothing goes on, and nothing was undone by that.",
            "Compensate it.",
        ),
    }
)


def status_word(status: str) -> Word:
    """How a status is told; one that is not known here stays what it is called."""
    return word_in(STATUSES, status)


def word_in(table: Mapping[Any, Word], name: str) -> Word:
    """How a state is told by one of these tables: one of another version's is neutral, and stays what it is called."""
    return table.get(name) or Word("unknown", "", name)


@dataclass(frozen=True, slots=True)
class Deed:
    """How an operation is told: the button's text, and what it does, in a sentence."""

    text: str
    does: str


@dataclass(frozen=True, slots=True)
class Away:
    """How a part is called, and what it means that it is away."""

    text: str
    means: str


DEEDS: Mapping[Operation, Deed] = MappingProxyType(
    {
        "compensate": Deed("Compensate", "Undo what was done, in reverse order, as the plan shows."),
        "retry": Deed("Retry now", "Try the step again at once; a stuck undo likewise."),
        "edit_and_retry": Deed("Retry with other input", "Replace facts for this step alone, and try it again."),
        "skip": Deed("Skip", "Go on past the step, with a result that you write."),
        "resolve": Deed("Resolve the undo", "Try the undo again, mark it done by hand, or give it up."),
        "suspend": Deed("Suspend", "Begin no further attempt until it is resumed. What is under way ends."),
        "resume": Deed("Resume", "Go on, and try everything that is stuck or parked again."),
        "cancel": Deed("Cancel", "Stop it and undo what was done. Refused behind the point of no return."),
        "abandon": Deed("Abandon the rest", "Give up all undos that are still open. Their effects stay."),
        "release": Deed("Release held events", "Send events that no step wants to parking."),
    }
)
HOWS: Mapping[How, str] = MappingProxyType(
    {
        "retry": "Try the undo again",
        "mark_done": "It was undone by hand",
        "give_up": "Give it up: its effect stays",
    }
)
"""Ways out of a stuck undo."""
FOR_STEPS: tuple[Operation, ...] = ("retry", "edit_and_retry", "skip", "resolve")
"""Operations that speak of one step."""

STATES: Mapping[OperationState, Word] = MappingProxyType(
    {
        "accepted": Word("active", "…", "accepted", "It is stored, and will be given to the saga."),
        "applied": Word("active", "▶", "applied", "The saga took it. Whether it worked is not known yet."),
        "verified": Word("done", "✓", "verified", "The saga passed the step, or came where it was sent."),
        "failed": Word("attention", "✗", "failed", "It did not work."),
        "no_effect": Word("left", "-", "no effect", "The saga had moved on, so it changed nothing."),
    }
)
"""How far an operation is."""

PARKED_STATES: Mapping[ParkedState, Word] = MappingProxyType(
    {
        "parked": Word("attention", "!", "parked", "It could not be handled, and waits for a person."),
        "redriving": Word("active", "▶", "redriving", "It is on its way back; the broker has not confirmed it yet."),
        "redriven": Word("done", "✓", "redriven", "It went back to where it came from."),
        "discarded": Word("left", "✗", "discarded", "It was put aside. It can be restored until it is forgotten."),
    }
)
PARKED_DEEDS: Mapping[ParkedDeed, Deed] = MappingProxyType(
    {
        "redrive": Deed("Redrive", "Send it back to where it came from, as edited; the broker confirms each message."),
        "edit": Deed("Edit", "Keep another form beside the original, held to its contract. A redrive sends that."),
        "discard": Deed("Discard", "Put it aside. It can be restored until it is forgotten."),
        "restore": Deed("Restore", "Let what was discarded wait for a person again."),
    }
)

PARTS: Mapping[Part, Away] = MappingProxyType(
    {
        "ledger": Away("Ledger", "Nothing can be shown as it is now."),
        "temporal": Away("Temporal", "What is shown comes from the ledger and may be old; operations have to wait."),
        "broker": Away("Broker", "No event arrives and no command goes out; sagas go on when it is back."),
        "workers": Away("Workers", "No saga goes on: start `saga worker`."),
    }
)
"""What sagas need."""

BULK_STATES: Mapping[BulkState, Word] = MappingProxyType(
    {
        "running": Word("active", "▶", "running", "One after the other is done, at most so many a second."),
        "suspended": Word("attention", "‖", "suspended", "What is under way ends; nothing more begins."),
        "cancelled": Word("left", "✗", "cancelled", "What was waiting is not done any more."),
        "completed": Word("done", "✓", "completed", "Each one is done, or was skipped for the reason beside it."),
        "partially_completed": Word("doubtful", "◐", "partly completed", "Some are done, some failed or were skipped."),
        "failed": Word("attention", "!", "failed", "None is done."),
    }
)
BULK_ORDERS: Mapping[Order, str] = MappingProxyType(
    {"suspend": "Suspend", "resume": "Resume", "cancel": "Cancel", "retry_failed": "Try the failed ones again"}
)
