"""Both servers by mutual TLS, as they are reached on another machine: whose certificate is wrong is told."""

import datetime as dt
import ipaddress
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from orchestrator.adapters.rabbitmq.connection import connected
from orchestrator.adapters.temporal.connecting import connect
from orchestrator.errors import BrokerUnavailableError, EngineUnavailableError
from orchestrator.settings import load_settings
from tests.faults.proxy import proxy
from tests.shop_kit import ALL, shop

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]
HERE = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])


def called(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


@dataclass
class Authority:
    """Signs certificates, which lie in `folder` as NAME.pem and NAME.key."""

    folder: Path
    name: str

    def __post_init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        signed = self._certificate(self.name, self.key, x509.BasicConstraints(ca=True, path_length=0))
        self.file = self._write(f"{self.name}.pem", signed.public_bytes(serialization.Encoding.PEM))

    def certify(self, name):
        """Certificate and key of somebody on this machine."""
        key = ec.generate_private_key(ec.SECP256R1())
        pem = self._certificate(name, key, HERE).public_bytes(serialization.Encoding.PEM)
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return self._write(f"{name}.pem", pem), self._write(f"{name}.key", secret)

    def _certificate(self, name, key, extension):
        now = dt.datetime.now(dt.UTC)
        made = x509.CertificateBuilder(
            issuer_name=called(self.name),
            subject_name=called(name),
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - dt.timedelta(minutes=1),
            not_valid_after=now + dt.timedelta(hours=1),
        )
        return made.add_extension(extension, critical=False).sign(self.key, hashes.SHA256())

    def _write(self, name, content):
        file = self.folder / name
        file.write_bytes(content)
        return file


@asynccontextmanager
async def behind_tls(folder):
    """Settings to reach both servers by, with certificates; and the authority that signed them."""
    authority = Authority(folder, "authority")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority.file)
    context.load_cert_chain(*authority.certify("server"))
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_alpn_protocols(["h2"])
    certificate, key = authority.certify("client")
    settings = load_settings()
    broker = urlsplit(settings.rabbitmq_url.get_secret_value())
    host, _, port = settings.temporal_address.rpartition(":")
    async with (
        proxy(host, int(port), tls=context) as temporal,
        proxy(broker.hostname or "", broker.port or 5672, tls=context) as rabbitmq,
    ):
        query = f"cafile={authority.file}&certfile={certificate}&keyfile={key}"
        yield {
            "temporal_address": f"localhost:{temporal.listens_on}",
            "temporal_tls_ca_file": authority.file,
            "temporal_tls_cert_file": certificate,
            "temporal_tls_key_file": key,
            "temporal_api_key": SecretStr("an api key"),
            "rabbitmq_url": SecretStr(
                f"amqps://{broker.username}:{broker.password}@localhost:{rabbitmq.listens_on}{broker.path}?{query}"
            ),
        }


async def test_an_order_is_fulfilled_by_tls_all_the_way(tmp_path) -> None:
    async with behind_tls(tmp_path) as changes, shop(tmp_path, *ALL, **changes) as place:
        assert (await place.result(await place.place(place.order())))["word"] == "Completed"


async def test_servers_that_another_authority_vouches_for_are_refused_with_the_reason(tmp_path) -> None:
    async with behind_tls(tmp_path) as changes:
        stranger = Authority(tmp_path, "stranger")
        url = changes["rabbitmq_url"].get_secret_value().replace("/authority.pem", "/stranger.pem")
        settings = load_settings().model_copy(
            update={**changes, "temporal_tls_ca_file": stranger.file, "rabbitmq_url": SecretStr(url)}
        )
        with pytest.raises(EngineUnavailableError, match=r"UnknownIssuer: is .* SAGA_TEMPORAL_TLS_CA_FILE"):
            await connect(settings)
        with pytest.raises(BrokerUnavailableError, match=r"(?i)certificate verify failed"):
            async with connected(settings, purpose="test"):
                pass
