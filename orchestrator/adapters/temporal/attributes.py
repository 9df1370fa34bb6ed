"""The search attribute that shows which executions need a person: known to the namespace before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.service import RPCError, RPCStatusCode

from orchestrator.adapters.temporal.calls import STATUS
from orchestrator.errors import EngineUnavailableError

if TYPE_CHECKING:
    from temporalio.client import Client


async def ensure_search_attribute(client: Client) -> None:
    """Make the search attribute `SagaStatus` known to the namespace; without it a stuck saga could not be recorded.

    Making it is an administrator's right, and in Temporal Cloud nobody's over this line; that it is there can be seen
    by everybody who may list executions.

    Raises:
        EngineUnavailableError: it is missing and cannot be made; says how an administrator makes it.
    """
    name = STATUS.name
    try:
        if not await _is_known(client, name):
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(
                    namespace=client.namespace,
                    search_attributes={name: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD},
                )
            )
    except RPCError as error:
        if error.status is RPCStatusCode.ALREADY_EXISTS:
            return  # another worker has made it just now
        raise EngineUnavailableError(
            f"search attribute {name} cannot be checked or made ({error.message}): let an administrator run "
            f"`temporal operator search-attribute create --namespace {client.namespace} --name {name} --type Keyword`, "
            f"or `tcld namespace search-attributes add --namespace {client.namespace} --sa {name}=Keyword`"
        ) from error


async def _is_known(client: Client, name: str) -> bool:
    """Whether executions can be asked for by it: the server refuses a question that names an unknown one."""
    try:
        await client.count_workflows(f"{name} = 'Stuck'")
    except RPCError as error:
        if error.status is RPCStatusCode.INVALID_ARGUMENT:
            return False
        raise
    return True
