"""What is read from the history of a single run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryRequest

if TYPE_CHECKING:
    from temporalio.client import Client


async def first_input(client: Client, workflow_id: str, run_id: str) -> Any:
    """The argument that a run was started with."""
    page = await client.workflow_service.get_workflow_execution_history(
        GetWorkflowExecutionHistoryRequest(
            namespace=client.namespace,
            execution=WorkflowExecution(workflow_id=workflow_id, run_id=run_id),
            maximum_page_size=1,
        ),
        retry=True,
    )
    payloads = page.history.events[0].workflow_execution_started_event_attributes.input.payloads
    return (await client.data_converter.decode(payloads))[0]
