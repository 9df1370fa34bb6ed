"""The operations of one execution as commands, each as the service layer's table names it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from pydantic import ValidationError

from orchestrator.cli.context import DEFAULT, ExecutionId, SagasOption, json_of
from orchestrator.cli.giving import give
from orchestrator.cli.looked import look
from orchestrator.cli.manner import Manner, with_manner
from orchestrator.cli.many import Many, MaybeExecutionId, give_many
from orchestrator.engine.states import Phase
from orchestrator.errors import InvalidRequestError, RefusedCommandError
from orchestrator.service.requests import REQUEST

if TYPE_CHECKING:
    from orchestrator.cli.desk import Desk
    from orchestrator.service.bulk_records import BulkWord
    from orchestrator.service.requests import Request

Step = Annotated[str, typer.Argument(help="which step; left out: the one that waits for a person", show_default=False)]
How = Literal["retry", "mark_done", "give_up"]


@dataclass(frozen=True, slots=True)
class Verbs:
    """The commands over one desk."""

    desk: Desk

    def add_to(self, app: typer.Typer) -> None:
        """Add them all."""
        commands = (self.retry, self.skip, self.resolve, self.suspend, self.resume)
        for command in (*commands, self.cancel, self.abandon, self.release):
            app.command()(with_manner(command))

    def retry(
        self,
        execution_id: MaybeExecutionId = "",
        step: Step = "",
        *,
        input: Annotated[str, typer.Option(help="facts to replace for this step, as a JSON object")] = "",
        sagas: SagasOption = DEFAULT,
        many: Many,
        manner: Manner,
    ) -> None:
        """Try a stuck undo or a parked step again now, with other facts if --input gives some."""
        if many.are_meant(execution_id, **{"a step": step, "--input": input}):
            give_many(self.desk, "retry", many, manner)
            return
        named = step or self._waiting_step(execution_id)
        if not input:
            give(self.desk, execution_id, asked("retry", step=named), manner)
            return
        edited = asked("edit_and_retry", step=named, input=json_of(input.encode(errors="surrogateescape"), "input"))
        give(self.desk, execution_id, edited, manner, sagas=sagas)

    def skip(
        self,
        execution_id: ExecutionId,
        step: Step = "",
        *,
        output: Annotated[str, typer.Option(help="what stands in place of the step's result, as JSON")] = "null",
        sagas: SagasOption = DEFAULT,
        manner: Manner,
    ) -> None:
        """Go on past a parked step."""
        named = step or self._waiting_step(execution_id)
        request = asked("skip", step=named, output=json_of(output.encode(errors="surrogateescape"), "output"))
        give(self.desk, execution_id, request, manner, sagas=sagas)

    def resolve(
        self,
        execution_id: ExecutionId,
        step: Step = "",
        *,
        how: Annotated[How, typer.Option(help="what is decided about the undo that gave up")],
        evidence: Annotated[str, typer.Option(help="for mark_done: how it is known that it was undone by hand")] = "",
        manner: Manner,
    ) -> None:
        """Decide about a stuck undo: try it again, mark it done by hand, or give it up."""
        named = step or self._waiting_step(execution_id)
        give(self.desk, execution_id, asked("resolve", step=named, how=how, evidence=evidence), manner)

    def suspend(self, execution_id: MaybeExecutionId = "", *, many: Many, manner: Manner) -> None:
        """Begin nothing more until it is resumed."""
        self._plainly("suspend", execution_id, many, manner)

    def resume(self, execution_id: MaybeExecutionId = "", *, many: Many, manner: Manner) -> None:
        """Go on, and try all that is stuck or parked again."""
        self._plainly("resume", execution_id, many, manner)

    def cancel(self, execution_id: MaybeExecutionId = "", *, many: Many, manner: Manner) -> None:
        """Stop it and undo what it did; refused behind the point of no return."""
        self._plainly("cancel", execution_id, many, manner)

    def abandon(self, execution_id: MaybeExecutionId = "", *, many: Many, manner: Manner) -> None:
        """Give up all undos that are still open."""
        self._plainly("abandon", execution_id, many, manner)

    def release(
        self,
        execution_id: MaybeExecutionId = "",
        *,
        event_type: Annotated[str, typer.Option(help="only events of this type")] = "",
        many: Many,
        manner: Manner,
    ) -> None:
        """Send events that no step wants yet to parking."""
        if many.are_meant(execution_id, **{"--event-type": event_type}):
            give_many(self.desk, "release", many, manner)
            return
        give(self.desk, execution_id, asked("release", event_type=event_type or None), manner)

    def _plainly(self, word: BulkWord, execution_id: str, many: Many, manner: Manner) -> None:
        if many.are_meant(execution_id):
            give_many(self.desk, word, many, manner)
        else:
            give(self.desk, execution_id, asked(word), manner)

    def _waiting_step(self, execution_id: str) -> str:
        """The one step of an execution that waits for a person.

        Raises:
            RefusedCommandError: none does, or several do; names them.
        """
        state = asyncio.run(look(self.desk, execution_id)).execution.state
        waiting = [name for name, step in state.steps.items() if step.phase in (Phase.PARKED, Phase.STUCK)]
        if len(waiting) == 1:
            return waiting[0]
        several = f"several steps of it wait for a person: name one of {', '.join(waiting)}"
        raise RefusedCommandError("this", several if waiting else "no step of it waits for a person")


def asked(operation: str, **fields: Any) -> Request:
    """A request as the service layer reads it.

    Raises:
        InvalidRequestError: a field is not what it must be.
    """
    try:
        return REQUEST.validate_python({"operation": operation, **fields})
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise InvalidRequestError([("/" + "/".join(map(str, one["loc"][1:])), one["msg"]) for one in found]) from None
