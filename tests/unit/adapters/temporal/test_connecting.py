from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from google.protobuf.duration_pb2 import Duration
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.workflowservice.v1 import DescribeNamespaceResponse
from temporalio.service import GrpcCompression, RPCError, RPCStatusCode

from orchestrator.adapters.temporal.connecting import _compression, _tls, _why, connect, retention_of
from orchestrator.errors import EngineUnavailableError
from tests.temporal_kit import settings


async def test_a_server_that_does_not_answer_is_named_with_its_setting() -> None:
    with pytest.raises(EngineUnavailableError, match=r"127.0.0.1:1 \(.*\): check SAGA_TEMPORAL_ADDRESS"):
        await connect(settings(temporal_address="127.0.0.1:1"))


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (
            'ConnectError("tcp connect error", 127.0.0.1:1, Os { code: 111, kind: Refused, message: "Connection refused" })',
            "Connection refused",
        ),
        (
            'ConnectError("dns error", Custom { kind: Uncategorized, error: "Name or service not known" })',
            "Name or service not known",
        ),
        (
            "ConnectError(Custom { kind: InvalidData, error: InvalidMessage(InvalidContentType) })",
            "it does not speak TLS there",
        ),
        (
            "ConnectError(Custom { kind: InvalidData, error: InvalidCertificate(UnknownIssuer) })",
            "its certificate is not accepted, UnknownIssuer: is its authority's the one of SAGA_TEMPORAL_TLS_CA_FILE?",
        ),
        ("Timeout expired", "Timeout expired"),
    ],
)
def test_the_reason_is_told_without_the_structures_around_it(told, why) -> None:
    assert _why(told) == why


def namespaced(answer):
    async def describe_namespace(_, **options):
        if isinstance(answer, Exception):
            raise answer
        config = NamespaceConfig(workflow_execution_retention_ttl=Duration(seconds=answer))
        return DescribeNamespaceResponse(config=config)

    service = SimpleNamespace(describe_namespace=describe_namespace)
    return cast("Any", SimpleNamespace(namespace="shop", workflow_service=service))


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (86_400, timedelta(days=1)),
        (0, timedelta.max),
        (RPCError("no", RPCStatusCode.PERMISSION_DENIED, b""), timedelta.max),
        (RPCError("who", RPCStatusCode.UNAUTHENTICATED, b""), timedelta.max),
    ],
    ids=str,
)
async def test_the_retention_is_the_namespaces_or_without_end(answer, found) -> None:
    assert await retention_of(namespaced(answer)) == found


async def test_a_server_that_cannot_say_its_retention_is_away() -> None:
    with pytest.raises(EngineUnavailableError):
        await retention_of(namespaced(RPCError("gone", RPCStatusCode.UNAVAILABLE, b"")))


def test_files_of_mutual_tls_are_read(tmp_path) -> None:
    for name in ("ca", "cert", "key"):
        (tmp_path / name).write_bytes(name.encode())
    tls = _tls(
        settings(
            temporal_tls_ca_file=tmp_path / "ca",
            temporal_tls_cert_file=tmp_path / "cert",
            temporal_tls_key_file=tmp_path / "key",
        )
    )
    assert (tls.server_root_ca_cert, tls.client_cert, tls.client_private_key) == (b"ca", b"cert", b"key")


def test_without_files_tls_checks_the_server_by_the_machines_authorities() -> None:
    tls = _tls(settings(temporal_tls=True))
    assert (tls.server_root_ca_cert, tls.client_cert, tls.client_private_key) == (None, None, None)


def test_only_what_leaves_this_machine_is_compressed() -> None:
    assert _compression(settings(temporal_address="127.0.0.1:7233")) is GrpcCompression.NONE
    assert _compression(settings(temporal_address="[::1]:7233")) is GrpcCompression.NONE
    there = settings(temporal_address="temporal.example:7233", temporal_tls=True)
    assert _compression(there) is GrpcCompression.GZIP
