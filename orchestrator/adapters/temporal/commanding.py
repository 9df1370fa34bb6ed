"""Commands of people to running executions, as workflow updates. Implements `service.ports.Commanded`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from orchestrator.adapters.temporal.answers import no_worker, unavailable
from orchestrator.adapters.temporal.given import from_json, to_json
from orchestrator.adapters.temporal.operating import CONFLICT, OPERATE_UPDATE, Order
from orchestrator.errors import ConflictError, ExecutionNotFoundError, RefusedCommandError
from orchestrator.service.live import Taken

if TYPE_CHECKING:
    from temporalio.client import Client, WorkflowHandle

    from orchestrator.engine.signals import Operator

PATIENCE = timedelta(seconds=10)
"""How long a worker may take to answer a command."""
ENDED = "the execution has ended"


class TemporalCommanded:
    """Running executions, in Temporal."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def command(self, workflow_id: str, command: Operator, *, revision: int | None = None) -> Taken:
        """Give a command as an update. Its id is the command's, so the same command again is the same update."""
        order = Order.of(command, revision)
        handle: WorkflowHandle[Any, Any] = self._client.get_workflow_handle(workflow_id)
        try:
            answer = await handle.execute_update(  # pyright: ignore[reportUnknownMemberType]
                OPERATE_UPDATE, to_json(order), id=command.command_id, result_type=dict, rpc_timeout=PATIENCE
            )
        except WorkflowUpdateFailedError as error:
            _raise_refusal(order, error)
        except WorkflowUpdateRPCTimeoutOrCancelledError:
            raise no_worker(await self._task_queue(handle), PATIENCE.seconds) from None
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise unavailable(error) from error
            await self._check_exists(handle)
            raise RefusedCommandError(order.word, ENDED) from None
        return from_json(Taken, answer)

    async def _task_queue(self, handle: WorkflowHandle[Any, Any]) -> str:
        try:
            return (await handle.describe()).task_queue
        except RPCError as error:
            raise unavailable(error) from error

    async def _check_exists(self, handle: WorkflowHandle[Any, Any]) -> None:
        try:
            await handle.describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise ExecutionNotFoundError(handle.id) from None
            raise unavailable(error) from error


def _raise_refusal(order: Order, error: WorkflowUpdateFailedError) -> NoReturn:
    cause = error.cause
    if not isinstance(cause, ApplicationError):
        raise RefusedCommandError(order.word, str(cause)) from None
    if cause.type != CONFLICT:
        raise RefusedCommandError(order.word, cause.message) from None
    revision, changes = cause.details
    raise ConflictError(cause.message, revision=revision, changes=changes) from None
