"""Every setting: one class, each field with its unit, default and meaning."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal, get_args

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from orchestrator.sealing import OPEN, Seal
from orchestrator.settings.contracts import ContractSettings
from orchestrator.settings.events import EventSettings
from orchestrator.settings.fields import (
    Address,
    AmqpUrl,
    ByStatus,
    DatabaseUrl,
    HttpUrl,
    JsonFile,
    JwtAlgorithms,
    PemFile,
    Seconds,
    host_of,
    is_loopback,
    not_empty,
    split_url,
)
from orchestrator.settings.provider import ProviderSettings
from orchestrator.settings.serving import ServingSettings
from orchestrator.settings.traces import TraceSettings

PREFIX = "SAGA_"
DATABASE_FILE = ".local/saga.db"
"""Where the database is unless its address is set, below the project's folder."""
RUN_SLACK = timedelta(seconds=1.2)
"""How long a run may go on behind its budget: one call at its hard limit, and the report."""
HEARTBEAT_SHARE = 0.8
"""Share of a workflow task's limit after which the SDK keeps it alive by an extra task (express.md, 5)."""


class Settings(TraceSettings, ContractSettings, ServingSettings, ProviderSettings, EventSettings):
    """What every process needs to know.

    A validator sees the fields above its own, and refuses its own field only: so all that is wrong is told at once,
    each by the name of its variable. That decides the order of some fields.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file_encoding="utf-8", extra="ignore", frozen=True, ser_json_timedelta="float"
    )

    allow_plaintext: bool = Field(default=False, description="allow unencrypted connections to other machines")
    temporal_namespace: str = Field("default", description="Temporal namespace")
    temporal_api_key: SecretStr | None = Field(None, description="API key for Temporal; switches TLS on")
    temporal_tls: bool = Field(default=False, description="connect to Temporal by TLS")
    temporal_tls_ca_file: PemFile | None = Field(
        None, description="PEM file of the authority that signed the server; switches TLS on"
    )
    temporal_tls_cert_file: PemFile | None = Field(
        None, description="PEM file of our certificate, for mutual TLS; switches TLS on"
    )
    temporal_tls_key_file: PemFile | None = Field(
        None, validate_default=True, description="PEM file of our certificate's key"
    )
    temporal_address: Address = Field("127.0.0.1:7233", description="host:port of the Temporal frontend")
    task_queue: str = Field("saga", min_length=1, max_length=200, description="Temporal task queue of saga workers")
    task_timeout: Seconds = Field(timedelta(seconds=3), description="limit of one workflow task, seconds")
    # Each takes some 40 ms of one core, so even with a third of a core 20 of them are reported in time. With 100, a
    # burst on a busy machine let most of them run out of time, and each of those was performed again.
    tasks_at_once: int = Field(
        20, ge=2, le=1_000, description="workflow tasks a worker has in hand at once; more wait in Temporal"
    )
    # One that is not in memory is performed again from its history, without effects, before it goes on.
    executions_in_memory: int = Field(
        2_000, ge=1, le=1_000_000, description="waiting executions a worker keeps in memory; more are read anew"
    )
    sticky_timeout: Seconds = Field(timedelta(seconds=1), description="how long a task waits for its worker, seconds")
    run_budget: Seconds = Field(
        timedelta(seconds=1), validate_default=True, description="an express run begins no step later, seconds"
    )
    signals_per_run: int = Field(
        5_000, ge=1, le=9_000, description="messages after which an execution continues in a new Temporal run"
    )

    rabbitmq_url: AmqpUrl = Field(
        SecretStr("amqp://guest:guest@127.0.0.1:5672/"), description="amqp:// or amqps:// address with vhost"
    )
    rabbitmq_management_url: HttpUrl | None = Field(
        None, description="http(s) address of the management API; `saga topology apply` sets policies through it"
    )
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

    database_url: DatabaseUrl = Field(
        SecretStr(f"sqlite:///{DATABASE_FILE}"),
        description="SQLAlchemy address of what participants and ports keep, and of the ledger",
    )
    ledger_url: DatabaseUrl | None = Field(
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
    ledger_keep_by_status: ByStatus | None = Field(
        None, description="the same for those that ended in certain ways, as `aborted=604800,terminated=31536000`"
    )
    parked_keep: Seconds = Field(
        timedelta(days=30),
        description="how long redriven and discarded messages stay in the ledger, and discarded ones can be restored",
    )
    inbox_keep: Seconds | None = Field(
        None,
        description="how long participants remember a command after its last change; unless set, for ever. Longer than"
        " the longest saga may take, SAGA_PARKED_KEEP and the longest compensation window together",
    )
    health_host: str = Field("127.0.0.1", description="where /healthz, /readyz and /metrics listen")
    health_port: int = Field(0, ge=0, le=65535, description="their port; 0 = none")
    access_control: bool = Field(
        default=False, description="whoever calls the API or the console must show a token and have the right"
    )
    console_host: str = Field(
        "127.0.0.1", description="where `saga console` listens; beyond this machine only with access control"
    )
    console_port: int = Field(8080, ge=0, le=65535, description="its port; 0 = a free one")
    console_path: str | None = Field(
        None, pattern=r"^(/[A-Za-z0-9._-]+)+$", description="the path that a proxy puts before the console's own"
    )
    temporal_ui_url: str | None = Field(
        None, pattern=r"^https?://[^\s\"'<>]+$", description="Temporal's own pages, which the console leads to"
    )
    console_proxies: str = Field(
        "127.0.0.1",
        pattern=r"^[0-9a-fA-F.:/]+(,[0-9a-fA-F.:/]+)*$",
        description="addresses or networks of the proxies that are believed when they say who asks, and whether by TLS",
    )
    jwt_issuer: str | None = Field(None, description="who issues the JWTs that are accepted beside API tokens")
    jwt_audience: str | None = Field(None, validate_default=True, description="for whom they must be issued")
    jwt_keys: JsonFile | None = Field(None, validate_default=True, description="the issuer's public keys, a JWKS")
    jwt_algorithms: JwtAlgorithms = Field("RS256,ES256,EdDSA", description="how they may be signed")
    drain_timeout: Seconds = Field(
        timedelta(seconds=30), description="how long work in flight may take at a stop, seconds"
    )

    _not_empty = field_validator("*", mode="before")(not_empty)

    @field_validator("payload_keys")
    @classmethod
    def _are_keys(cls, value: SecretStr | None) -> SecretStr | None:
        Seal.of(value.get_secret_value() if value else "")
        return value

    @field_validator("temporal_tls_key_file")
    @classmethod
    def _belongs_to_a_certificate(cls, value: PemFile | None, info: ValidationInfo) -> PemFile | None:
        if "temporal_tls_cert_file" in info.data:
            has_certificate = info.data["temporal_tls_cert_file"] is not None
            if has_certificate and value is None:
                raise ValueError("SAGA_TEMPORAL_TLS_CERT_FILE is set, so this must be too")
            if value is not None and not has_certificate:
                raise ValueError("a key alone is used for nothing: set SAGA_TEMPORAL_TLS_CERT_FILE too")
        return value

    @field_validator("temporal_address")
    @classmethod
    def _is_here_or_encrypted(cls, value: str, info: ValidationInfo) -> str:
        if not (is_loopback(host_of(value)) or _allows_plaintext(info) or _asks_for_tls(info.data)):
            raise ValueError("it is another machine: set SAGA_TEMPORAL_TLS=1, or SAGA_ALLOW_PLAINTEXT=1")
        return value

    @field_validator("rabbitmq_url", "rabbitmq_management_url")
    @classmethod
    def _stays_here_or_is_encrypted(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        url = split_url(value.get_secret_value()) if value else None
        if url and url.scheme in ("amqp", "http") and not (is_loopback(url.hostname) or _allows_plaintext(info)):
            raise ValueError(f"unencrypted it leaves this machine: use {url.scheme}s://, or set SAGA_ALLOW_PLAINTEXT=1")
        return value

    @field_validator("run_budget")
    @classmethod
    def _fits_into_its_task(cls, value: timedelta, info: ValidationInfo) -> timedelta:
        limit: timedelta | None = info.data.get("task_timeout")
        longest = value + RUN_SLACK
        if limit is not None and longest > limit * HEARTBEAT_SHARE:
            raise ValueError(
                f"a run takes up to {longest.total_seconds():g} s, which must stay under {HEARTBEAT_SHARE:.0%} of "
                f"SAGA_TASK_TIMEOUT, {limit.total_seconds():g} s: lower the one or raise the other"
            )
        return value

    @field_validator("inbox_keep")
    @classmethod
    def _outlives_parked_messages(cls, value: timedelta | None, info: ValidationInfo) -> timedelta | None:
        parked: timedelta | None = info.data.get("parked_keep")
        if value is not None and parked is not None and value <= parked:
            raise ValueError(
                f"a command may lie in parking for SAGA_PARKED_KEEP, {parked.total_seconds():.10g} s, and be sent again"
                " then: give more, and add what the longest saga may take and the longest compensation window"
            )
        return value

    @field_validator("console_host")
    @classmethod
    def _is_here_or_guarded(cls, value: str, info: ValidationInfo) -> str:
        if not (is_loopback(value) or info.data.get("access_control", True)):
            raise ValueError("others could reach it and do anything: set SAGA_ACCESS_CONTROL=1 too")
        return value

    @field_validator("jwt_audience", "jwt_keys")
    @classmethod
    def _is_known_with_its_issuer(cls, value: object, info: ValidationInfo) -> object:
        if "jwt_issuer" in info.data and (value is None) != (info.data["jwt_issuer"] is None):
            is_missing = value is None
            raise ValueError("SAGA_JWT_ISSUER is set, so this must be too" if is_missing else "set SAGA_JWT_ISSUER too")
        return value

    @property
    def seal(self) -> Seal:
        """What closes payloads; it leaves them open if no key is set."""
        return Seal.of(self.payload_keys.get_secret_value()) if self.payload_keys else OPEN

    @property
    def ledger(self) -> str:
        """Where the ledger is."""
        return (self.ledger_url or self.database_url).get_secret_value()

    def keeps(self, status: str) -> timedelta:
        """How long executions that ended so stay in the ledger."""
        return (self.ledger_keep_by_status or {}).get(status, self.ledger_keep)

    @property
    def has_temporal_here(self) -> bool:
        """Whether Temporal's address is this machine's loopback."""
        return is_loopback(host_of(self.temporal_address))

    @property
    def uses_tls(self) -> bool:
        """Whether Temporal is reached by TLS: asked for, or implied by an API key, an authority or a certificate."""
        return _asks_for_tls(dict(self))


def is_secret(field: str) -> bool:
    """Whether the value of a setting is never shown."""
    annotation = Settings.model_fields[field].annotation
    kinds = (annotation, *get_args(annotation))
    return any(SecretStr in (kind, *get_args(kind)) for kind in kinds)


def variable(field: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + field.upper()


def _allows_plaintext(info: ValidationInfo) -> bool:
    # Missing: its own value is wrong and told; what follows from it is unknown.
    return bool(info.data.get("allow_plaintext", True))


def _asks_for_tls(values: dict[str, Any]) -> bool:
    implied = ("temporal_tls", "temporal_api_key", "temporal_tls_ca_file", "temporal_tls_cert_file")
    return any(values.get(name, True) for name in implied)
