"""Reads spans back from OTLP JSON lines: ours, and those that a collector wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from orchestrator.adapters.telemetry import semantic
from orchestrator.adapters.telemetry.files import files_in
from orchestrator.errors import OrchestratorError
from orchestrator.service.traced import TracedSpan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


class _Loose(BaseModel):
    """A part of OTLP: what is not named is of no interest."""

    model_config = ConfigDict(extra="ignore")


class _Value(_Loose):
    string: str | None = Field(None, alias="stringValue")
    number: int | None = Field(None, alias="intValue")


NOTHING = _Value.model_validate({})


class _Attribute(_Loose):
    key: str
    value: _Value = NOTHING


class _Link(_Loose):
    traceId: str  # noqa: N815 - as OTLP names it
    spanId: str  # noqa: N815


class _Span(_Loose):
    traceId: str  # noqa: N815
    spanId: str  # noqa: N815
    parentSpanId: str = ""  # noqa: N815
    name: str
    startTimeUnixNano: int  # noqa: N815
    endTimeUnixNano: int  # noqa: N815
    attributes: list[_Attribute] = []
    links: list[_Link] = []


class _Scope(_Loose):
    spans: list[_Span] = []


class _Resource(_Loose):
    attributes: list[_Attribute] = []


class _OfResource(_Loose):
    resource: _Resource = _Resource()
    scopeSpans: list[_Scope] = []  # noqa: N815


class _Batch(_Loose):
    resourceSpans: list[_OfResource] = []  # noqa: N815


def read(place: Path) -> Iterator[TracedSpan]:
    """The spans of a file, or of all files in a folder, in the order in which they were written.

    Raises:
        OrchestratorError: it is not there, or a line of it is no OTLP JSON; says which.
    """
    files = files_in(place) if place.is_dir() else [place]
    for file in files:
        yield from _in_file(file)


def _in_file(file: Path) -> Iterator[TracedSpan]:
    try:
        with file.open("rb") as lines:
            yield from _in_lines(lines, file)
    except OSError as error:
        raise OrchestratorError(f"{file} cannot be read: {error.strerror}") from None


def _in_lines(lines: Iterable[bytes], file: Path) -> Iterator[TracedSpan]:
    for number, line in enumerate(lines, start=1):
        try:
            batch = _Batch.model_validate_json(line)
        except ValidationError:
            if not line.endswith(b"\n"):
                return  # being written just now, or torn by the end of its machine
            raise OrchestratorError(f"{file}:{number} is no line of OTLP JSON: name a file of spans") from None
        for one in batch.resourceSpans:
            service = _dict(one.resource.attributes).get("service.name", "")
            for scope in one.scopeSpans:
                yield from (_traced(span, str(service)) for span in scope.spans)


def _dict(attributes: Iterable[_Attribute]) -> dict[str, Any]:
    return {one.key: one.value.string if one.value.number is None else one.value.number for one in attributes}


def _traced(span: _Span, service: str) -> TracedSpan:
    said = _dict(span.attributes)

    def text(name: str) -> str:
        return str(said.get(name) or "")

    return TracedSpan(
        trace_id=span.traceId,
        span_id=span.spanId,
        parent_id=span.parentSpanId,
        links=tuple(one.traceId for one in span.links),
        name=span.name,
        service=service,
        began_ns=span.startTimeUnixNano,
        ended_ns=span.endTimeUnixNano,
        execution_id=text(semantic.EXECUTION),
        correlation_id=text(semantic.CORRELATION),
        step=text(semantic.STEP),
        direction=text(semantic.DIRECTION),
        attempt=int(said.get(semantic.ATTEMPT) or 0),
        outcome=text(semantic.OUTCOME),
        error=text(semantic.ERROR_TYPE),
        revision=int(said.get(semantic.REVISION) or 0),
        rank=int(said.get(semantic.RANK) or 0),
        ignored=text(semantic.IGNORED),
    )
