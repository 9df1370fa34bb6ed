"""What people do with parked messages, as values."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.service.parked_records import Content, Origin, ParkedState

Deed: TypeAlias = Literal["edit", "redrive", "discard", "restore"]
"""What a person does with parked messages."""
FROM_TO: Mapping[Deed, tuple[ParkedState, ParkedState]] = MappingProxyType(
    {
        "edit": ("parked", "parked"),
        "redrive": ("parked", "redriving"),
        "discard": ("parked", "discarded"),
        "restore": ("discarded", "parked"),
    }
)
"""The ONE table of what may be done in which state, and to which it leads. `redriven` follows the broker's confirm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """An edited message, ready to be kept.

    `sent_as`: its key, by which it is recognised if it is parked again. `routing_key`: that of its origin from now on.
    """

    content: Content
    sent_as: str
    routing_key: str


@dataclass(frozen=True, slots=True)
class Target:
    """What an action is about: one message, or a group as far as number `up_to`."""

    message: str = ""
    fingerprint: str = ""
    up_to: int = 0

    def __str__(self) -> str:
        """For the audit."""
        return f"parked:{self.message}" if self.message else f"parked-group:{self.fingerprint}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedAction:
    """What a person did, and how far it is: `total` = `done` + `failed` + what is still to be sent.

    Attributes:
        body_hash: of what was asked, to tell a repeat from another request under the same key.
        done: messages that are where they were to go; of a redrive, those that the broker has confirmed.
        failed: messages that the broker did not take; they are parked again.
    """

    id: str
    deed: Deed
    target: Target
    actor: str
    role: str
    reason: str
    key: str
    body_hash: str
    at_ms: int
    total: int = 0
    done: int = 0
    failed: int = 0

    @property
    def waiting(self) -> int:
        """Messages that are still to be sent."""
        return self.total - self.done - self.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A message that one process has taken to send it. `claimed_ms` names that claim."""

    id: str
    action: str
    claimed_ms: int
    content: Content
    origin: Origin


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a claimed message; `problem` is empty if the broker has it."""

    claimed: Claimed
    problem: str = ""
