"""What an operation asked for, in words: its step, and what was typed. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.console.pages.words import HOWS
from orchestrator.service.requests import Compensate, EditAndRetry, Release, Resolve, Skip, step_of

if TYPE_CHECKING:
    from orchestrator.service.requests import Request

HIDDEN = "hidden: it needs the permission payload:read"
WHOLE, ALL = "the whole of it", "all of them"


def asked_in(request: Request, *, shows_payloads: bool) -> list[tuple[str, Any]]:
    """Names and values, those that are JSON as they are; a payload is hidden from who may not see it."""
    match request:
        case Compensate():
            too = [("Past the point of no return", "too")] if request.override else []
            return [("From", request.from_step or WHOLE), *too]
        case EditAndRetry():
            return [("Step", request.step), ("Facts replaced", request.input if shows_payloads else HIDDEN)]
        case Skip():
            return [("Step", request.step), ("Its result", request.output if shows_payloads else HIDDEN)]
        case Resolve():
            evidence = [("Evidence", request.evidence)] if request.evidence else []
            return [("Step", request.step), ("How", HOWS[request.how]), *evidence]
        case Release():
            return [("Events", request.event_type or ALL)]
        case _:
            return [("Step", step_of(request))] if step_of(request) else []
