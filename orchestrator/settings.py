"""Every setting: one class, each field with its unit, default and meaning.

Values come from environment variables (`SAGA_` + the field's name) or from the nearest `.local/environment`, looked for
upward from the current folder; a real environment variable wins.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from orchestrator.errors import SettingsError
from orchestrator.sealing import OPEN, Seal

ENVIRONMENT_FILE = Path(".local") / "environment"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
SECRETS = ("temporal_api_key", "rabbitmq_url", "rabbitmq_management_url", "database_url", "ledger_url", "payload_keys")

RUN_SLACK = timedelta(seconds=1.2)
"""How long a run may go on behind its budget: one call at its hard limit, and the report."""
HEARTBEAT_SHARE = 0.8
"""Share of a workflow task's limit after which the SDK keeps it alive by an extra task (express.md, 5)."""


def _seconds(value: object) -> object:
    """A bare number in an environment variable is seconds; anything else is left to pydantic (ISO 8601)."""
    try:
        return timedelta(seconds=float(value)) if isinstance(value, str) else value
    except ValueError:
        return value


Seconds = Annotated[timedelta, BeforeValidator(_seconds), Field(gt=timedelta(0))]


class Settings(BaseSettings):
    """What every process of the orchestrator needs to know."""

    model_config = SettingsConfigDict(env_prefix="SAGA_", extra="ignore", frozen=True, ser_json_timedelta="float")

    temporal_address: str = Field("127.0.0.1:7233", description="host:port of the Temporal frontend")
    temporal_namespace: str = Field("default", description="Temporal namespace")
    temporal_api_key: SecretStr | None = Field(None, description="API key for Temporal; switches TLS on")
    temporal_tls: bool = Field(default=False, description="connect to Temporal by TLS")
    temporal_tls_ca_file: Path | None = Field(None, description="PEM file of the authority that signed the server")
    temporal_tls_cert_file: Path | None = Field(None, description="PEM file of our certificate, for mutual TLS")
    temporal_tls_key_file: Path | None = Field(None, description="PEM file of our certificate's key")
    task_queue: str = Field("saga", min_length=1, max_length=200, description="Temporal task queue of saga workers")
    task_timeout: Seconds = Field(timedelta(seconds=3), description="limit of one workflow task, seconds")
    sticky_timeout: Seconds = Field(timedelta(seconds=1), description="how long a task waits for its worker, seconds")
    run_budget: Seconds = Field(timedelta(seconds=1), description="an express run begins no step later, seconds")

    signals_per_run: int = Field(
        5_000, ge=1, le=9_000, description="messages after which an execution continues in a new Temporal run"
    )

    rabbitmq_url: SecretStr = Field(
        SecretStr("amqp://guest:guest@127.0.0.1:5672/"), description="amqp:// or amqps:// address with vhost"
    )
    rabbitmq_management_url: SecretStr | None = Field(
        None, description="http(s) address of the management API; `saga topology apply` sets policies through it"
    )
    allow_plaintext: bool = Field(default=False, description="allow unencrypted connections to other machines")
    name_prefix: str = Field(
        "saga", pattern=r"^[a-z][a-z0-9_-]{0,31}$", description="first word of every exchange and queue name"
    )
    prefetch: int = Field(50, ge=1, le=2000, description="messages a consumer holds at once")
    max_body_bytes: int = Field(1_048_576, ge=1024, le=16_777_216, description="a larger body is parked, bytes")
    publish_timeout: Seconds = Field(timedelta(seconds=5), description="how long a confirm may take, seconds")
    missing_patience: Seconds = Field(
        timedelta(minutes=5), description="how long a message waits for its execution to appear, seconds"
    )
    unrouted_events: Literal["park", "ignore"] = Field(
        "park", description="what becomes of events that nobody on the broker is bound for"
    )
    resend_first: Seconds = Field(
        timedelta(seconds=2), description="an unanswered command is sent again after, seconds"
    )
    resend_max: Seconds = Field(timedelta(seconds=60), description="longest pause between resends, seconds")

    database_url: SecretStr = Field(SecretStr("sqlite:///.local/saga.db"), description="SQLAlchemy address")
    ledger_url: SecretStr | None = Field(
        None, description="SQLAlchemy address of the ledger; unless set, that of database_url"
    )
    ledger_buffer: int = Field(
        5_000,
        ge=100,
        le=1_000_000,
        description="executions whose changes a process keeps while the ledger is slow or away",
    )
    payload_keys: SecretStr | None = Field(
        None,
        description="keys that seal payloads in Temporal and in the ledger, id:base64 of 32 bytes with commas between;"
        " the first seals, all open",
    )
    reconcile_every: Seconds = Field(
        timedelta(seconds=15), description="pause between two comparisons of the ledger with Temporal, seconds"
    )
    reconcile_deep_every: Seconds = Field(
        timedelta(minutes=5), description="pause between two that also ask after each open execution, seconds"
    )
    ledger_keep: Seconds = Field(
        timedelta(days=90), description="how long ended executions stay in the ledger, and never less than their window"
    )
    health_host: str = Field("127.0.0.1", description="where /healthz and /readyz listen")
    health_port: int = Field(0, ge=0, le=65535, description="their port; 0 = none")
    drain_timeout: Seconds = Field(
        timedelta(seconds=30), description="how long work in flight may take at a stop, seconds"
    )

    @field_validator("rabbitmq_url")
    @classmethod
    def _is_amqp(cls, value: SecretStr) -> SecretStr:
        if urlsplit(value.get_secret_value()).scheme not in ("amqp", "amqps"):
            raise ValueError("must begin with amqp:// or amqps://")
        return value

    @field_validator("payload_keys")
    @classmethod
    def _are_keys(cls, value: SecretStr | None) -> SecretStr | None:
        Seal.of(value.get_secret_value() if value else "")
        return value

    @model_validator(mode="after")
    def _only_loopback_in_plaintext(self) -> Settings:
        if self.allow_plaintext:
            return self
        url = urlsplit(self.rabbitmq_url.get_secret_value())
        if url.scheme == "amqp" and (url.hostname or "") not in LOOPBACK:
            raise ValueError(
                "SAGA_RABBITMQ_URL is unencrypted and leaves this machine: use amqps://, or set SAGA_ALLOW_PLAINTEXT=1"
            )
        if not (self.uses_tls or self.has_temporal_here):
            raise ValueError(
                "SAGA_TEMPORAL_ADDRESS is another machine: set SAGA_TEMPORAL_TLS=1, or SAGA_ALLOW_PLAINTEXT=1"
            )
        return self

    @model_validator(mode="after")
    def _run_fits_into_its_task(self) -> Settings:
        longest = self.run_budget + RUN_SLACK
        if longest > self.task_timeout * HEARTBEAT_SHARE:
            raise ValueError(
                f"SAGA_RUN_BUDGET is {self.run_budget.total_seconds():g} s and SAGA_TASK_TIMEOUT "
                f"{self.task_timeout.total_seconds():g} s: a run takes up to {longest.total_seconds():g} s, which must "
                f"stay under {HEARTBEAT_SHARE:.0%} of the task's limit; lower the one or raise the other"
            )
        return self

    @property
    def seal(self) -> Seal:
        """What closes payloads; it leaves them open if no key is set."""
        return Seal.of(self.payload_keys.get_secret_value()) if self.payload_keys else OPEN

    @property
    def ledger(self) -> str:
        """Where the ledger is."""
        return (self.ledger_url or self.database_url).get_secret_value()

    @property
    def has_temporal_here(self) -> bool:
        """Whether Temporal's address is this machine's loopback."""
        return self.temporal_address.rpartition(":")[0].strip("[]") in LOOPBACK

    @property
    def uses_tls(self) -> bool:
        """Whether Temporal is reached by TLS: asked for, or implied by an API key or a certificate."""
        return self.temporal_tls or self.temporal_api_key is not None or self.temporal_tls_cert_file is not None


def find_environment(start: Path | None = None) -> Path | None:
    """The nearest `.local/environment` in `start` (the current folder) or above it, None if there is none."""
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / ENVIRONMENT_FILE).is_file():
            return folder / ENVIRONMENT_FILE
    return None


def load_settings(start: Path | None = None) -> Settings:
    """Settings from the environment and the nearest `.local/environment`.

    Raises:
        SettingsError: a value is not allowed; names the variable, its value, and what is allowed.
    """
    file = find_environment(start)
    try:
        return Settings(_env_file=file)  # pyright: ignore[reportCallIssue] - pydantic-settings' own keyword
    except ValidationError as error:
        raise _explain(error) from None


def _explain(error: ValidationError) -> SettingsError:
    first = error.errors(include_url=False)[0]
    field = str(first["loc"][0]) if first["loc"] else ""
    name = f"SAGA_{field.upper()}" if field else "the settings"
    allowed = first["msg"].removeprefix("Value error, ")
    meaning = Settings.model_fields[field].description if field in Settings.model_fields else None
    value = "" if not field else str(first["input"])
    text = f"{allowed} ({meaning})" if meaning else allowed
    return SettingsError(setting=name, value=value, allowed=text, secret=field in SECRETS)
