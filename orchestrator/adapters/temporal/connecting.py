"""A client for Temporal, from settings."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from typing import TYPE_CHECKING

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import GrpcCompression, RPCError, RPCStatusCode, TLSConfig

from orchestrator.adapters.temporal.answers import unavailable
from orchestrator.adapters.temporal.sealed import converter_of
from orchestrator.errors import EngineUnavailableError, SettingsError, WrongSetting

if TYPE_CHECKING:
    from orchestrator.settings import Settings

log = logging.getLogger(__name__)

ANSWER_WITHIN = timedelta(seconds=5)
_REASON = re.compile(r'(?:message|error): "([^"]+)"')
_CERTIFICATE = re.compile(r"InvalidCertificate\((\w+)")


async def connect(settings: Settings) -> Client:
    """A connected client.

    Raises:
        EngineUnavailableError: nothing answers there.
        SettingsError: there is no such namespace.
    """
    try:
        client = await _client(settings, lazy=False)
    except (RPCError, RuntimeError) as error:
        raise EngineUnavailableError(
            f"no Temporal server answers at {settings.temporal_address} ({_why(str(error))}):"
            " check SAGA_TEMPORAL_ADDRESS, or run `saga up`"
        ) from error
    await _require_namespace(client, settings.temporal_address)
    return client


async def connect_later(settings: Settings) -> Client:
    """A client that connects with its first call, and tries again with each until it does (see `reaching`)."""
    return await _client(settings, lazy=True)


async def _client(settings: Settings, *, lazy: bool) -> Client:
    api_key = settings.temporal_api_key.get_secret_value() if settings.temporal_api_key else None
    return await Client.connect(
        settings.temporal_address,
        namespace=settings.temporal_namespace,
        api_key=api_key,
        tls=_tls(settings) if settings.uses_tls else False,
        data_converter=converter_of(settings.seal),
        grpc_compression=_compression(settings),
        lazy=lazy,
    )


async def _require_namespace(client: Client, address: str) -> None:
    """A wrong namespace would else look like executions that do not exist."""
    try:
        await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=client.namespace), timeout=ANSWER_WITHIN
        )
    except RPCError as error:
        # Any other refusal is the business of the call that needs it: a key may be allowed less than this question.
        if error.status is RPCStatusCode.NOT_FOUND:
            allowed = f"the Temporal server at {address} has no namespace of this name: make it, or name another"
            raise SettingsError(WrongSetting("SAGA_TEMPORAL_NAMESPACE", client.namespace, allowed)) from error


async def retention_of(client: Client) -> timedelta:
    """How long Temporal knows an execution after its end. Of a namespace that we may not ask about: for ever.

    Raises:
        EngineUnavailableError: it does not answer.
    """
    request = DescribeNamespaceRequest(namespace=client.namespace)
    try:
        found = await client.workflow_service.describe_namespace(request, timeout=ANSWER_WITHIN)
    except RPCError as error:
        if error.status in (RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED):
            log.warning("the namespace's retention cannot be read: how old a start event is, is not looked at")
            return timedelta.max
        raise unavailable(error) from error
    return found.config.workflow_execution_retention_ttl.ToTimedelta() or timedelta.max


def _why(told: str) -> str:
    """The reason in the words of the SDK's core, which prints its own structures around it."""
    if "InvalidContentType" in told:
        return "it does not speak TLS there"
    if unfit := _CERTIFICATE.search(told):
        return f"its certificate is not accepted, {unfit[1]}: is its authority's the one of SAGA_TEMPORAL_TLS_CA_FILE?"
    words = _REASON.findall(told)
    return words[-1] if words else told


def _compression(settings: Settings) -> GrpcCompression:
    """None on this machine: it would cost both sides CPU and save nothing."""
    return GrpcCompression.NONE if settings.has_temporal_here else GrpcCompression.GZIP


def _tls(settings: Settings) -> TLSConfig:
    files = (settings.temporal_tls_ca_file, settings.temporal_tls_cert_file, settings.temporal_tls_key_file)
    ca, cert, key = (file.read_bytes() if file else None for file in files)
    return TLSConfig(server_root_ca_cert=ca, client_cert=cert, client_private_key=key)
