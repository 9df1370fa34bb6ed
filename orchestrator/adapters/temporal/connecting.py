"""A client for Temporal, from settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio.client import Client
from temporalio.service import GrpcCompression, RPCError, TLSConfig

from orchestrator.adapters.temporal.sealed import converter_of
from orchestrator.errors import EngineUnavailableError

if TYPE_CHECKING:
    from orchestrator.settings import Settings


async def connect(settings: Settings) -> Client:
    """A connected client.

    Raises:
        EngineUnavailableError: nothing answers there.
    """
    api_key = settings.temporal_api_key.get_secret_value() if settings.temporal_api_key else None
    try:
        return await Client.connect(
            settings.temporal_address,
            namespace=settings.temporal_namespace,
            api_key=api_key,
            tls=_tls(settings) if settings.uses_tls else False,
            data_converter=converter_of(settings.seal),
            grpc_compression=_compression(settings),
        )
    except (RPCError, RuntimeError) as error:
        raise EngineUnavailableError(
            f"no Temporal server answers at {settings.temporal_address} (SAGA_TEMPORAL_ADDRESS): {error}"
        ) from error


def _compression(settings: Settings) -> GrpcCompression:
    """None on this machine: it would cost both sides CPU and save nothing."""
    return GrpcCompression.NONE if settings.has_temporal_here else GrpcCompression.GZIP


def _tls(settings: Settings) -> TLSConfig:
    files = (settings.temporal_tls_ca_file, settings.temporal_tls_cert_file, settings.temporal_tls_key_file)
    ca, cert, key = (file.read_bytes() if file else None for file in files)
    return TLSConfig(server_root_ca_cert=ca, client_cert=cert, client_private_key=key)
