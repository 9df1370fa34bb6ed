"""What a form says, as an instruction of the service layer. Pure, but for reading the request's body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from pydantic import ValidationError
from pydantic_core import from_json

from orchestrator.console.api.context import LARGEST
from orchestrator.errors import InvalidRequestError
from orchestrator.service.operations import Instruction
from orchestrator.service.requests import REQUEST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import Request

    from orchestrator.service.requests import Operation
    from orchestrator.service.requests import Request as Asked

PREVIEW_REASON = "only a preview"
DIGITS = 10
"""That `LARGEST` has."""


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form that was sent, the last one of each name. Its size was limited before.

    What no database keeps, as a NUL, becomes the sign of what cannot be read, as bytes that are no text do.
    """
    body = (await request.body()).decode("utf-8", "replace")
    fields = parse_qsl(body, keep_blank_values=True)
    return {name: text.replace("\x00", "\N{REPLACEMENT CHARACTER}") for name, text in fields}


def number_of(text: str) -> int | None:
    """A number that a form carries along, `LARGEST` at most; None if it is none."""
    if not text.isdecimal():
        return None
    return min(int(text), LARGEST) if len(text) <= DIGITS else LARGEST


def instruction_of(operation: Operation, given: Mapping[str, str]) -> Instruction:
    """What a form asks for, why, and what its sender saw: the plan's hash, else the revision.

    Raises:
        InvalidRequestError: a field does not fit; says which.
    """
    asked = _asked(operation, given)
    revision = None if operation == "compensate" else number_of(given.get("revision", ""))
    reason = given.get("reason", "")
    if "preview" in given:
        reason = reason or PREVIEW_REASON
    return Instruction(request=asked, reason=reason, key=given.get("key", ""), revision=revision)


def _asked(operation: Operation, given: Mapping[str, str]) -> Asked:
    try:
        return REQUEST.validate_python({"operation": operation, **_said(operation, given)})
    except ValidationError as error:
        found = [("/" + "/".join(str(part) for part in one["loc"][1:]), one["msg"]) for one in error.errors()]
        raise InvalidRequestError(found) from None


def _said(operation: Operation, given: Mapping[str, str]) -> dict[str, Any]:
    step = given.get("step", "")
    match operation:
        case "compensate":
            override = given.get("override") == "yes"
            return {"plan": given.get("plan", ""), "from_step": step or None, "override": override}
        case "retry":
            return {"step": step}
        case "edit_and_retry":
            return {"step": step, "input": _json(given, "input")}
        case "skip":
            return {"step": step, "output": _json(given, "output")}
        case "resolve":
            return {"step": step, "how": given.get("how", ""), "evidence": given.get("evidence", "")}
        case "release":
            return {"event_type": given.get("event_type") or None}
        case _:
            return {}


def _json(given: Mapping[str, str], name: str) -> Any:
    text = given.get(name, "").strip()
    try:
        return from_json(text) if text else None
    except ValueError as error:
        raise InvalidRequestError([(f"/{name}", f"this is no JSON: {str(error)[:200]}")]) from None
