"""The kinds of values that settings have. Each says in a few words what is allowed, and no error shows a secret."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from annotated_types import Ge, Le
from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_settings import NoDecode

LOOPBACK = ("localhost", "127.0.0.1", "::1")
LONGEST = timedelta(days=3_650)
DATABASES = ("sqlite", "sqlite+aiosqlite", "postgresql", "postgresql+asyncpg")
ENDED = ("completed", "compensated", "partially_compensated", "aborted", "terminated")
"""The words of executions that have ended, as lists have them."""
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
TRACE_ID = "{trace_id}"
"""In the address of a trace: where its id belongs."""
_HOST_PORT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9][A-Za-z0-9._-]*):(?P<port>[0-9]{1,5})")
_LAST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a kind of value may be, for the table of settings and for errors."""

    text: str


def not_empty(value: object) -> object:
    """An empty variable is most often one that should have been filled in, so it is refused rather than ignored."""
    if isinstance(value, str) and not value.strip():
        raise ValueError("it is empty: give it a value, or do not set it")
    return value


def is_loopback(host: str | None) -> bool:
    """Whether a host is this machine; no host is not."""
    return (host or "").strip("[]") in LOOPBACK


def host_of(address: str) -> str:
    """The host of `host:port`, without the brackets of IPv6."""
    return address.rpartition(":")[0].strip("[]")


def _seconds(value: object) -> object:
    """A bare number in an environment variable is seconds; anything else is left to pydantic (ISO 8601)."""
    if not isinstance(value, str):
        return value
    try:
        number = float(value)
    except ValueError:
        return value
    # timedelta takes neither inf nor nan, nor what is longer than its own limit.
    return _length(timedelta(seconds=number) if abs(number) <= LONGEST.total_seconds() else timedelta.max)


def _length(value: timedelta) -> timedelta:
    if not timedelta(0) < value <= LONGEST:
        raise ValueError(f"write seconds, more than 0 and at most {LONGEST.total_seconds():.0f}")
    return value


def _address(value: str) -> str:
    found = _HOST_PORT.fullmatch(value)
    if found is None or not 0 < int(found["port"]) <= _LAST_PORT:
        raise ValueError("write host:port, as in 127.0.0.1:7233 or [::1]:7233")
    return value


def _readable(value: Path) -> Path:
    if not value.is_file():
        raise ValueError("there is no such file")
    if not os.access(value, os.R_OK):
        raise ValueError("this process may not read that file")
    return value.absolute()  # the processes of `saga demo` run in another folder


def split_url(text: str) -> SplitResult:
    """The parts of an address.

    Raises:
        ValueError: it is none, its port included; shows nothing of it.
    """
    try:
        found = urlsplit(text)
        _ = found.port
    except ValueError:
        raise ValueError("its host or port cannot be read") from None
    return found


def _amqp(value: SecretStr) -> SecretStr:
    found = split_url(value.get_secret_value())
    if found.scheme not in ("amqp", "amqps"):
        raise ValueError("must begin with amqp:// or amqps://")
    if not found.hostname:
        raise ValueError("it names no host: write amqp://user:password@host:5672/vhost")
    return value


def _http(value: SecretStr) -> SecretStr:
    found = split_url(value.get_secret_value())
    if found.scheme not in ("http", "https") or not found.hostname:
        raise ValueError(
            "write http://host:15672 or https://host:15671, with user:password@ before the host if need be"
        )
    return value


def _trace_link(value: str) -> str:
    if split_url(value).scheme not in ("http", "https") or TRACE_ID not in value:
        raise ValueError(f"write http://host/path with {TRACE_ID} where a trace's id belongs")
    return value


def _database(value: SecretStr) -> SecretStr:
    found = split_url(value.get_secret_value())
    if found.scheme not in DATABASES:
        raise ValueError("must begin with sqlite:/// or postgresql://")
    if found.scheme.startswith("sqlite"):
        if found.netloc or found.path in ("", "/"):
            raise ValueError("write sqlite:///file, or sqlite:////file for a path from the root")
    elif not found.hostname or found.path in ("", "/"):
        raise ValueError("write postgresql://user:password@host:5432/database")
    return value


def _lengths(value: object) -> object:
    """`completed=2592000,aborted=604800` as a mapping; anything else is left to pydantic."""
    if not isinstance(value, str):
        return value
    pairs = [part.partition("=") for part in value.split(",")]
    names = [name.strip() for name, _, _ in pairs]
    if not all(equals and length.strip() for _, equals, length in pairs) or len(set(names)) < len(names):
        raise ValueError("write status=seconds, each status once, with commas between")
    return {name.strip(): _seconds(length.strip()) for name, _, length in pairs}


def _ended(value: Mapping[str, timedelta]) -> Mapping[str, timedelta]:
    if unknown := [name for name in value if name not in ENDED]:
        raise ValueError(f"{', '.join(unknown)}: only what has ended is forgotten: {', '.join(ENDED)}")
    return value


def _algorithms(value: str) -> str:
    names = [name.strip() for name in value.split(",")]
    if any(name not in ALGORITHMS for name in names):
        # Not HS256 and its like: with them whoever can check a token can make one.
        raise ValueError(f"name some of {', '.join(ALGORITHMS)}, with commas between")
    return ",".join(names)


Seconds = Annotated[timedelta, BeforeValidator(_seconds), AfterValidator(_length), Allowed("seconds, more than 0")]
Address = Annotated[str, AfterValidator(_address), Allowed("host:port")]
PemFile = Annotated[Path, AfterValidator(_readable), Allowed("a PEM file that can be read")]
JsonFile = Annotated[Path, AfterValidator(_readable), Allowed("a JSON file that can be read")]
Folder = Annotated[Path, AfterValidator(Path.absolute), Allowed("a folder; it is made if it is missing")]
TraceLink = Annotated[str, AfterValidator(_trace_link), Allowed("http:// or https://, with {trace_id} in it")]
Share = Annotated[float, Ge(0), Le(1), Allowed("0 to 1")]
JwtAlgorithms = Annotated[str, AfterValidator(_algorithms), Allowed("names of signatures by public key")]
AmqpUrl = Annotated[SecretStr, AfterValidator(_amqp), Allowed("amqp:// or amqps://, with vhost")]
HttpUrl = Annotated[SecretStr, AfterValidator(_http), Allowed("http:// or https://")]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database), Allowed("sqlite:///file or postgresql://")]
ByStatus = Annotated[
    Mapping[str, Seconds],
    NoDecode,
    BeforeValidator(_lengths),
    AfterValidator(_ended),
    Allowed("status=seconds, with commas between"),
]
