"""Checks what people type in place of facts and results, by the authors' own types.

The code is found as workers find it: by the name and major version in the execution's plan. Plans carry no schemas:
they would double what every execution writes into its history, for what a person needs once in a while.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from pydantic import ValidationError

from orchestrator.engine.states import Phase
from orchestrator.errors import HandlerMissingError, InvalidRequestError, RefusedCommandError
from orchestrator.saga.plan import StepPlan, leaves
from orchestrator.service.requests import EditAndRetry, Resolve, Skip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.engine.execution import Execution
    from orchestrator.saga.handlers import Handler, Handlers
    from orchestrator.saga.plan import CallPlan
    from orchestrator.service.requests import Request

JSON: TypeAlias = Any


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two values: where, as a JSON pointer, and both sides; None = not there."""

    pointer: str
    before: JSON
    after: JSON


def checked(request: Request, execution: Execution, handlers: Handlers) -> Request:
    """The request with what was typed in it as the authors' code will read it.

    Raises:
        InvalidRequestError: something does not fit; all problems with their places.
        RefusedCommandError: this process has not the code to check it with.
    """
    match request:
        case EditAndRetry():
            call = _call(execution, request.step)
            edited = {name: _fact(handlers, call, name, value) for name, value in request.input.items()}
            return request.model_copy(update={"input": edited})
        case Skip():
            handler = _handler(handlers, _step(execution, request.step).do, "skip")
            output = _read("/output", handler.check_result, request.output)
            return request.model_copy(update={"output": output})
        case Resolve(how="mark_done") if not request.evidence.strip():
            raise InvalidRequestError([("/evidence", "say how it is known that the undo was made by hand")])
        case _:
            return request


def changes(execution: Execution, request: EditAndRetry) -> tuple[Change, ...]:
    """What an edited input changes of the facts that the step would have been given."""
    call = _call(execution, request.step)
    before = execution.facts_for(request.step, call)
    return tuple(differences("", before, {**before, **request.input}))


def _fact(handlers: Handlers, call: CallPlan, name: str, value: JSON) -> JSON:
    if name not in {need.fact for need in call.needs}:
        known = ", ".join(need.fact for need in call.needs)
        raise InvalidRequestError([(f"/input/{name}", f"this step takes no such fact; it takes {known or 'none'}")])
    handler = _handler(handlers, call, "edit_and_retry")
    return _read(f"/input/{name}", partial(handler.check_fact, name), value)


def _read(pointer: str, check: Callable[[JSON], JSON], value: JSON) -> JSON:
    try:
        return check(value)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        problems = [("/".join((pointer, *map(str, one["loc"]))), one["msg"]) for one in found]
        raise InvalidRequestError(problems) from None


def _step(execution: Execution, name: str) -> StepPlan:
    for leaf in leaves(execution.plan.root):
        if isinstance(leaf, StepPlan) and leaf.id == name:
            return leaf
    raise InvalidRequestError([("/step", f"there is no step {name!r}")])


def _call(execution: Execution, name: str) -> CallPlan:
    """The call that a retry makes: the undo of a stuck step, else the forward one."""
    step = _step(execution, name)
    return step.undo if execution.step(name).phase is Phase.STUCK and step.undo else step.do


def _handler(handlers: Handlers, call: CallPlan, operation: str) -> Handler:
    try:
        return handlers[call.handler]
    except HandlerMissingError as error:
        raise RefusedCommandError(operation, f"it cannot be checked here: {error}") from None


def differences(pointer: str, before: JSON, after: JSON) -> Iterator[Change]:
    """Where two values differ, as far down as both are objects."""
    if isinstance(before, dict) and isinstance(after, dict):
        old, new = cast("dict[str, JSON]", before), cast("dict[str, JSON]", after)
        for name in sorted({*old, *new}):
            yield from differences(f"{pointer}/{name}", old.get(name), new.get(name))
    elif before != after:
        yield Change(pointer, before, after)
