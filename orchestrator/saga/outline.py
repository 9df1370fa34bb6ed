"""What a saga says about itself beside its parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from datetime import timedelta

    from orchestrator.messages import Event

Unwind: TypeAlias = Literal["dependency", "serial"]
OnCompleted: TypeAlias = Literal["dead_letter", "ignore"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """The options of one saga, as `Saga` describes them, and `place`: where it is written."""

    name: str
    version: int
    starts_on: type[Event]
    key: str
    within: timedelta | None
    unwind: Unwind
    compensation_window: timedelta
    on_completed: OnCompleted
    place: str
    owner: str = ""
    about: str = ""
