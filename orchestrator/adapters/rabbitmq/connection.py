"""Connections to the broker. Publishers and consumers never share one: a memory alarm stops all reading on it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aio_pika import connect_robust
from aio_pika.exceptions import AMQPException, ProbableAuthenticationError
from aiormq.exceptions import InvalidFrameError
from yarl import URL

from orchestrator.adapters.rabbitmq.decoder import harden_decoder
from orchestrator.errors import BrokerUnavailableError, SettingsError, WrongSetting

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from aio_pika.abc import AbstractRobustConnection

    from orchestrator.settings import Settings

CONNECT_TIMEOUT = 15.0
"""Limit of one attempt to connect, seconds."""
RECONNECT_PAUSE = 1.0
"""Pause between attempts to connect again after a drop, seconds."""


@asynccontextmanager
async def connected(settings: Settings, *, purpose: str) -> AsyncGenerator[AbstractRobustConnection]:
    """A connection that comes back by itself after a drop; the broker shows it as `<prefix>: <purpose>`.

    An `amqps://` address takes `?cafile=`, `?certfile=` and `?keyfile=`; the server's certificate is always checked.

    Raises:
        BrokerUnavailableError: the first attempt to connect failed; says where and why.
        SettingsError: the address asks for TLS without checking the certificate.
    """
    harden_decoder()
    url = broker_url(settings)
    try:
        connection = await connect_robust(
            url,
            client_properties={"connection_name": f"{settings.name_prefix}: {purpose}"},
            timeout=CONNECT_TIMEOUT,
            reconnect_interval=RECONNECT_PAUSE,
        )
    except (AMQPException, OSError, TimeoutError) as error:
        raise BrokerUnavailableError(str(url.with_user(None)), _why(error, url)) from error
    try:
        yield connection
    finally:
        await connection.close()


def broker_url(settings: Settings) -> URL:
    """The broker's address.

    Raises:
        SettingsError: it switches the check of the certificate off.
    """
    url = URL(settings.rabbitmq_url.get_secret_value())
    if "no_verify_ssl" in url.query:
        allowed = "no_verify_ssl is refused: name the authority that signed the server with ?cafile="
        raise SettingsError(WrongSetting("SAGA_RABBITMQ_URL", None, allowed))
    return url


def _why(error: Exception, url: URL) -> str:
    if isinstance(error, ProbableAuthenticationError):
        return "the broker refuses this user or password"
    # The library reads on for another frame and keeps nothing of the broker's own words.
    if isinstance(error, InvalidFrameError) and "Connection.Close" in str(error):
        vhost = url.path.removeprefix("/") or "/"
        return f"the broker refuses the virtual host {vhost!r}: it does not exist, or this user may not enter it"
    return str(error) or type(error).__name__
