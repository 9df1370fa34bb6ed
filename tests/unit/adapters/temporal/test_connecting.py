import pytest
from temporalio.service import GrpcCompression

from orchestrator.adapters.temporal.connecting import _compression, _tls, _why, connect
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
        ("Timeout expired", "Timeout expired"),
    ],
)
def test_the_reason_is_told_without_the_structures_around_it(told, why) -> None:
    assert _why(told) == why


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
