"""What the API shows of what people do: operations, switches, the audit, tokens, sagas."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import Field

from orchestrator.console.api.documents import JSON, Document, PlanDocument
from orchestrator.service.access import Permission, Role
from orchestrator.service.operations import OperationState
from orchestrator.service.records import moment
from orchestrator.service.requests import REQUEST, Operation, step_of
from orchestrator.service.switches import Kind

if TYPE_CHECKING:
    from orchestrator.service.auditing import AuditRow
    from orchestrator.service.definitions import Definition
    from orchestrator.service.operations import OperationRecord
    from orchestrator.service.records import Count
    from orchestrator.service.switches import Switch
    from orchestrator.service.tokens import Token

PAYLOADS = ("input", "output")


class OperationDocument(Document):
    """One operation, from its acceptance to its end: accepted, applied, then verified, failed or no_effect."""

    id: str
    execution_id: str
    operation: Operation
    step: str
    request: dict[str, JSON] = Field(description="what was asked; payloads only for those who may see them")
    reason: str
    actor: str
    role: str
    state: OperationState
    text: str = Field(description="what came of it")
    before: int | None = Field(description="revision before the command")
    after: int | None
    accepted: datetime
    settled: datetime | None
    bulk: str


class OperationLines(Document):
    """One page of operations, the newest first."""

    items: list[OperationDocument]
    next_cursor: str | None


class ChangeDocument(Document):
    """One difference: where, as a JSON pointer, and both sides."""

    pointer: str
    before: JSON
    after: JSON


class PreviewDocument(Document):
    """What an operation would do. It is allowed as things stand; nothing was done."""

    plan: PlanDocument | None = Field(description="of a compensation")
    changes: list[ChangeDocument] = Field(description="of an edited input; empty for those who may not see payloads")


class SwitchDocument(Document):
    """Something that is held: starts of a saga, or commands to a participant."""

    kind: Kind
    name: str
    actor: str
    reason: str
    at: datetime


class Switchboard(Document):
    """Everything that is held."""

    items: list[SwitchDocument]


class AuditLine(Document):
    """One thing that somebody did or was refused; `hash` chains it to the one before."""

    number: int
    at: datetime
    actor: str
    role: str
    what: str
    target: str
    result: str
    reason: str
    text: str
    operation_id: str
    before: int | None
    after: int | None
    origin: str
    previous: str
    hash: str


class AuditLines(Document):
    """One page of the audit, the newest first."""

    items: list[AuditLine]
    next_cursor: str | None


class TokenDocument(Document):
    """What is known of an API token."""

    id: str
    name: str
    role: Role
    granted: list[Permission]
    sagas: list[str] | None = Field(description="null = all")
    made_by: str
    made: datetime
    expires: datetime | None
    revoked: datetime | None
    revoked_by: str


class IssuedDocument(TokenDocument):
    """A new token. `token` is shown this once; when the request is repeated it is null."""

    token: str | None


class TokenLines(Document):
    """One page of tokens."""

    items: list[TokenDocument]
    next_cursor: str | None


class SagaDocument(Document):
    """One version of a saga that this process knows."""

    name: str
    version: int
    starts_on: str
    participants: list[str]
    place: str
    owner: str
    about: str
    in_flight: int
    in_flight_capped: bool


class SagaLines(Document):
    """The sagas of this process."""

    items: list[SagaDocument]


class SagaWhole(SagaDocument):
    """The same with its flow, and the JSON Schema of every event that it takes in."""

    plan: dict[str, JSON]
    events: dict[str, dict[str, JSON]]


def operation_document(record: OperationRecord, *, shows_payloads: bool) -> OperationDocument:
    """One operation."""
    asked: dict[str, Any] = REQUEST.dump_python(record.request, mode="json")
    if not shows_payloads:
        asked = {name: value for name, value in asked.items() if name not in PAYLOADS}
    return OperationDocument(
        **named(record, OperationDocument, "operation", "step", "request", "accepted", "settled"),
        operation=record.request.operation,
        step=step_of(record.request),
        request=asked,
        accepted=moment(record.accepted_ms),
        settled=_moment(record.settled_ms),
    )


def switch_document(switch: Switch) -> SwitchDocument:
    """One switch."""
    return SwitchDocument(**named(switch, SwitchDocument, "at"), at=moment(switch.at_ms))


def audit_line(row: AuditRow) -> AuditLine:
    """One row of the audit."""
    of_row: dict[str, Any] = {"number": row.number, "previous": row.previous, "hash": row.hash}
    return AuditLine(**named(row.entry, AuditLine, "at", *of_row), **of_row, at=moment(row.entry.at_ms))


def token_document(token: Token) -> TokenDocument:
    """What is known of a token."""
    return TokenDocument.model_validate(token_values(token))


def token_values(token: Token) -> dict[str, Any]:
    """The fields of its document."""
    caller = token.caller
    return {
        "id": token.id,
        "name": token.name,
        "role": caller.role,
        "granted": sorted(caller.granted),
        "sagas": None if caller.sagas is None else sorted(caller.sagas),
        "made_by": token.made_by,
        "made": moment(token.made_ms),
        "expires": _moment(token.expires_ms),
        "revoked": _moment(token.revoked_ms),
        "revoked_by": token.revoked_by,
    }


def saga_values(definition: Definition, in_flight: Count) -> dict[str, Any]:
    """The fields of a saga's document."""
    plan = definition.plan
    return {
        "name": plan.saga,
        "version": plan.version,
        "starts_on": plan.trigger.event,
        "participants": list(definition.participants),
        **{name: getattr(definition, name) for name in ("place", "owner", "about")},
        "in_flight": in_flight.number,
        "in_flight_capped": in_flight.is_capped,
    }


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else moment(milliseconds)


def named(value: object, document: type[Document], *but: str) -> dict[str, Any]:
    """The fields of a document that a value has under the same names."""
    return {name: getattr(value, name) for name in document.model_fields if name not in but}
