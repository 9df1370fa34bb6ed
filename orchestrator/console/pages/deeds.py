"""Pages to act on: one operation on one execution, previewed, reasoned and confirmed; then followed to its end.

They work without JavaScript: a link leads to a form, the form to the operation's page, which looks again by itself.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from orchestrator.console.api.context import Asking, Console, Given, PathText, Text
from orchestrator.console.api.problems import KINDS, failure_of
from orchestrator.console.pages.asked import asked_in
from orchestrator.console.pages.forms import form_of, instruction_of
from orchestrator.console.pages.rendering import page
from orchestrator.console.pages.routing import pages_router
from orchestrator.console.pages.words import FOR_STEPS
from orchestrator.errors import OrchestratorError, PlanMovedError
from orchestrator.saga.plan import StepPlan
from orchestrator.service.access import Caller, Permission
from orchestrator.service.records import saga_of
from orchestrator.service.requests import EditAndRetry, Operation

if TYPE_CHECKING:
    from orchestrator.service.checking import Change
    from orchestrator.service.compensation import UndoPlan
    from orchestrator.service.operations import Instruction
    from orchestrator.service.reading import Look

router = pages_router()
LOOK_AGAIN_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Desk:
    """Where one operation on one execution is prepared: who asks for what."""

    request: Request
    console: Console
    caller: Caller
    execution_id: str
    operation: Operation

    async def look(self) -> Look:
        """The execution as the caller may see it."""
        return await self.console.service.reading.look(self.caller, self.execution_id)

    async def plan(self, step: str | None) -> UndoPlan | None:
        """What compensating would do now, if that is what is asked for."""
        if self.operation != "compensate":
            return None
        return await self.console.service.operating.plan(self.caller, self.execution_id, step or None)


def desk_of(request: Request, console: Given, caller: Asking, execution_id: PathText, operation: Operation) -> Desk:
    """The desk of a request."""
    return Desk(request, console, caller, execution_id, operation)


AtDesk = Annotated[Desk, Depends(desk_of)]


@router.get("/executions/{execution_id}/do/{operation}")
async def prepare(desk: AtDesk, step: Annotated[Text, Query()] = "") -> Response:
    """The form of an operation: what it would do, and where to say why. No step: the whole of it."""
    look, plan = await desk.look(), await desk.plan(step)
    given = {"step": step or _likely_step(look, desk.operation), "key": _fresh_key()}
    return _form(desk, look, given, plan=plan)


@router.post("/executions/{execution_id}/do/{operation}")
async def confirm(desk: AtDesk) -> Response:
    """Give the operation, once however often the form is sent; a refusal is told in the form, as it was filled."""
    given = await form_of(desk.request)
    try:
        instruction = instruction_of(desk.operation, given)
        if "preview" in given and isinstance(instruction.request, EditAndRetry):
            return await _preview(desk, given, instruction)
        record = await desk.console.service.operating.operate(desk.caller, desk.execution_id, instruction)
    except OrchestratorError as error:
        return await _again(desk, given, error)
    root = desk.request.scope.get("root_path", "")
    return RedirectResponse(f"{root}/operations/{record.id}", status_code=303)


@router.get("/operations/{operation_id}")
async def follow(request: Request, console: Given, caller: Asking, operation_id: PathText) -> Response:
    """How far an operation is; the page looks again until it has come to its end."""
    record = await console.service.operating.look_at(caller, operation_id)
    again = None if record.is_final else LOOK_AGAIN_SECONDS
    shows = caller.may(Permission.PAYLOAD, saga_of(record.execution_id))
    return page(
        request, "operation.html", record=record, again=again, asked=asked_in(record.request, shows_payloads=shows)
    )


async def _preview(desk: Desk, given: dict[str, str], instruction: Instruction) -> Response:
    look = await desk.look()
    preview = await desk.console.service.operating.preview(desk.caller, desk.execution_id, instruction)
    return _form(desk, look, given, changes=preview.changes)


async def _again(desk: Desk, given: dict[str, str], error: OrchestratorError) -> Response:
    """The form once more, with what is wrong. A plan that moved is shown anew, to be confirmed anew."""
    look = await desk.look()
    plan = error.plan if isinstance(error, PlanMovedError) else await desk.plan(given.get("step"))
    # What was refused must not be answered from memory: another try is another operation.
    return _form(desk, look, {**given, "key": _fresh_key()}, plan=plan, error=error)


def _form(
    desk: Desk,
    look: Look,
    given: dict[str, str],
    *,
    plan: UndoPlan | None = None,
    error: OrchestratorError | None = None,
    changes: tuple[Change, ...] = (),
) -> Response:
    failure = None if error is None else failure_of(error)
    values: dict[str, Any] = {
        "look": look,
        "row": look.row,
        "operation": desk.operation,
        "action": next(one for one in look.actions if one.operation == desk.operation),
        "given": defaultdict(str, given),
        "plan": plan,
        "failure": failure,
        "changes": changes,
        "steps": [one for one in look.steps if isinstance(one.leaf, StepPlan)],
        "is_for_step": desk.operation in FOR_STEPS,
    }
    status = 200 if failure is None else (failure.status or KINDS[failure.code].status)
    return page(desk.request, "operate.html", status=status, **values)


def _likely_step(look: Look, operation: Operation) -> str:
    """The step that an operation is most likely for: the only one that needs a person."""
    if operation not in FOR_STEPS:
        return ""
    waiting = [one.row.step for one in look.steps if one.row.phase in ("stuck", "parked")]
    return waiting[0] if len(waiting) == 1 else ""


def _fresh_key() -> str:
    return secrets.token_urlsafe(16)
