"""A page is run again and again on the same servers, as if nobody had: its executions bear the ids that it writes."""

import asyncio
from collections.abc import Iterable

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from orchestrator.adapters.temporal.connecting import connect
from orchestrator.settings import Settings


async def forget_executions(settings: Settings, sagas: Iterable[str]) -> None:
    """Have Temporal forget the executions of these sagas, whoever ran them."""
    client = await connect(settings)
    for saga in sagas:
        while found := [one.id async for one in client.list_workflows(f"WorkflowId STARTS_WITH '{saga}:'")]:
            for workflow_id in set(found):
                await _delete(client, workflow_id)
            await asyncio.sleep(0.1)


async def _delete(client: Client, workflow_id: str) -> None:
    request = DeleteWorkflowExecutionRequest(
        namespace=client.namespace, workflow_execution=WorkflowExecution(workflow_id=workflow_id)
    )
    try:
        await client.workflow_service.delete_workflow_execution(request)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:  # the list is a moment behind
            raise
