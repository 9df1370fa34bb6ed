"""What a participant does with a command, read off its inbox row: the table of express.md, 14. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Literal, TypeAlias

from orchestrator.contracts.protocol import CONFLICT, EXPIRED, UNDONE

if TYPE_CHECKING:
    from datetime import datetime

    from orchestrator.contracts.protocol import CommandHeaders

RowState: TypeAlias = Literal["done", "refused", "undone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row per forward key.

    Attributes:
        body_hash: of the forward command; empty when an undo or a probe made the row, and then any body fits. Behind
            `@` the version of its type that it was made of, unless that is 1.
        reply_type, reply: the stored answer to the forward command, its version likewise behind `@`.
        code, reason: of a stored refusal.
    """

    forward_key: str
    state: RowState
    body_hash: str = ""
    reply_type: str = ""
    reply: bytes = b"null"
    code: str = ""
    reason: str = ""


def with_version(name: str, version: int) -> str:
    """A name with a version behind it; version 1 is not written, so that what was stored before there were any fits."""
    return name if version == 1 else f"{name}@{version}"


def versioned(text: str) -> tuple[str, int]:
    """The name and the version in what `with_version` wrote."""
    name, _, version = text.partition("@")
    return name, int(version or 1)


class Deed(Enum):
    """What to do with a command.

    RUN: carry it out and store the reply. ANSWER: send the stored reply, or the stored refusal, again.
    REFUSE: refuse without storing anything. NOTHING: there is nothing to undo; store that it counts as undone.
    DONE: it is undone already; say so again.
    """

    RUN = "run"
    ANSWER = "answer"
    REFUSE = "refuse"
    NOTHING = "nothing"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A deed and, for a refusal, its code and reason. `retryable`: it is none of the key, only of this attempt."""

    deed: Deed
    code: str = ""
    reason: str = ""
    retryable: bool = False


def decide(row: Row | None, command: CommandHeaders, body_hash: str, now: datetime) -> Verdict:
    """What to do with `command`, given its row (None: there is none)."""
    match command.direction:
        case "do":
            return _decide_do(row, command.deadline, body_hash, now)
        case "undo":
            return _decide_undo(row)
        case "probe":
            return _decide_probe(row)


def _decide_do(row: Row | None, deadline: datetime | None, body_hash: str, now: datetime) -> Verdict:
    if row is None:
        if deadline is not None and now > deadline:
            # Not stored and no verdict on the key: the next attempt has a later deadline and may be carried out, and a
            # `rejected` counts whatever attempt it names. It would say "no effect" of a step that then gets one.
            reason = f"the command came after its deadline {deadline.isoformat()}"
            return Verdict(Deed.REFUSE, EXPIRED, reason, retryable=True)
        return Verdict(Deed.RUN)
    if row.state == "undone":
        return Verdict(Deed.REFUSE, UNDONE, "the undo of this command came first")
    if row.body_hash and row.body_hash != body_hash and versioned(row.body_hash)[1] == versioned(body_hash)[1]:
        return Verdict(Deed.REFUSE, CONFLICT, "this idempotency key came before with another body")
    return Verdict(Deed.ANSWER)


def _decide_undo(row: Row | None) -> Verdict:
    if row is None or row.state == "refused":
        return Verdict(Deed.NOTHING)
    return Verdict(Deed.DONE if row.state == "undone" else Deed.RUN)


def _decide_probe(row: Row | None) -> Verdict:
    """What the inbox knows needs no probe. Of what it does not know, the probe's answer becomes the row.

    So a forward command that comes after a probe has said "no effect" is refused, and has none.
    """
    if row is None:
        return Verdict(Deed.RUN)
    if row.state == "undone":
        return Verdict(Deed.REFUSE, UNDONE, "this command was undone, or found not to have been done")
    return Verdict(Deed.ANSWER)
