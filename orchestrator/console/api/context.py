"""What every route works with: the service layer, who asks, and the words of requests that many routes share."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, cast
from urllib.parse import quote, unquote

from fastapi import Depends, Query, Request
from fastapi.security import HTTPBearer
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from orchestrator.console.api.guarding import SAFE
from orchestrator.console.browsing import is_own_form, session_of
from orchestrator.service.access import Caller
from orchestrator.service.reasons import MAX_REASON, MIN_REASON
from orchestrator.service.records import Filter, Status
from orchestrator.settings.fields import TRACE_ID

if TYPE_CHECKING:
    from orchestrator.console.api.cursors import Cursors
    from orchestrator.service.feed import Feed
    from orchestrator.service.health import Health
    from orchestrator.service.identity import Identity
    from orchestrator.service.pacing import Pacing
    from orchestrator.service.spans import Traces
    from orchestrator.service.use_cases import Service

LARGEST = 2**31 - 1
"""Largest number that the databases' columns hold."""
LAST_YEAR = 9999
"""Of the calendar that Python has."""
NO_NUL = r"^[^\x00]*$"
"""No database keeps a NUL in a text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Where other tools show what is shown here, and how things are called there.

    Attributes:
        temporal: where Temporal's own pages are; empty = nobody says. `namespace`: which of its namespaces.
        trace: where a trace is shown, with `{trace_id}` in the place of its id; empty = nobody says.
        traces: where executions have their traces; None = there are none.
        prefix: how the names of exchanges and queues begin.
    """

    temporal: str = ""
    namespace: str = "default"
    trace: str = ""
    traces: Traces | None = None
    prefix: str = "saga"

    def temporal_page(self, workflow_id: str, run_id: str) -> str:
        """Temporal's page of a workflow; empty if nobody says where its pages are."""
        if not self.temporal:
            return ""
        parts = (self.namespace, "workflows", workflow_id, run_id, "history")
        return "/".join([self.temporal.rstrip("/"), "namespaces", *(quote(part, safe="") for part in parts)])

    def trace_of(self, execution_id: str) -> tuple[str, str]:
        """The id of an execution's trace, empty if it has none; and its page, empty if nobody says where pages are."""
        place = None if self.traces is None else self.traces.of(execution_id)
        if place is None or not place.is_kept:
            return "", ""
        return place.trace_id, self.trace.replace(TRACE_ID, place.trace_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """What an app works with.

    Attributes:
        health: how everything is that sagas need. `pacing`: how often a caller may ask.
        links: where other tools show the same.
        max_body: longest body of a request, bytes.
        allow_plaintext: people may sign in from other machines without TLS.
    """

    service: Service
    identity: Identity
    feed: Feed
    cursors: Cursors
    health: Health
    pacing: Pacing
    links: Links = field(default_factory=Links)
    max_body: int = 1_048_576
    allow_plaintext: bool = False


def console_of(request: Request) -> Console:
    """The console that an app was made with."""
    return cast("Console", request.app.state.console)


_bearer = HTTPBearer(auto_error=False, description="an API token, or a JWT of the issuer that is trusted")


async def caller_of(request: Request, _: Annotated[Any, Depends(_bearer)]) -> Caller:
    """Who asks. A session speaks for requests that change nothing, and for forms that were found to be ours.

    Raises:
        UnknownCallerError: nobody whom we know.
        TooManyRequestsError: they ask too often.
    """
    session = session_of(request) if request.method in SAFE or is_own_form(request) else ""
    caller = await console_of(request).identity.caller(
        request.headers.get("authorization", ""), session=session, origin=origin_of(request)
    )
    request.state.caller = caller
    console_of(request).pacing.take(caller)
    return caller


def origin_of(request: Request) -> str:
    """From where a request came, for the audit."""
    address = request.client.host if request.client else ""
    return f"api {address} {request.state.trace_id}"


def _unquoted(text: str) -> str:
    text = unquote(text)
    if "\x00" in text:
        raise ValueError("no NUL is allowed")
    return text


def _no_number(value: Any) -> Any:
    """A number is no time, though the parser takes one for seconds or milliseconds since 1970, by its size."""
    if isinstance(value, datetime):
        return value
    try:
        float(value)
    except (TypeError, ValueError):
        return value
    raise ValueError("write a time as in 2026-11-26T02:36:30Z")


def _in_every_zone(moment: datetime) -> datetime:
    """One at the edge of the calendar has no day and hour in some of the world's zones."""
    if not 1 < moment.year < LAST_YEAR:
        raise ValueError(f"the year must be 2 to {LAST_YEAR - 1}")
    return moment


Moment = Annotated[AwareDatetime, BeforeValidator(_no_number), AfterValidator(_in_every_zone)]
"""A point in time, as RFC 3339 writes it."""
Given = Annotated[Console, Depends(console_of)]
Asking = Annotated[Caller, Depends(caller_of)]
Text = Annotated[str, StringConstraints(max_length=300, pattern=NO_NUL)]
Typed = Annotated[str, StringConstraints(max_length=300, pattern=NO_NUL, strip_whitespace=True)]
"""A text that somebody typed or pasted into a form: blanks around it are not meant."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=NO_NUL)]
_Reason = Annotated[str, StringConstraints(max_length=MAX_REASON, pattern=NO_NUL)]
# One that is too short is refused by the service layer, which audits it.
Reason = Annotated[
    _Reason, Field(description="why, at least 8 characters", json_schema_extra={"minLength": MIN_REASON})
]
ReasonUnlessDry = Annotated[_Reason, Field(description="why, at least 8 characters; not needed for a dry run")]
PathText = Annotated[
    str,
    AfterValidator(_unquoted),
    StringConstraints(max_length=900),
    Field(json_schema_extra={"pattern": NO_NUL, "minLength": 1}),
]
"""A part of a path, which comes as it was written: keys may hold a slash."""
Limit = Annotated[int, Query(ge=1, le=200, description="how many at most")]
CursorText = Annotated[str | None, Query(max_length=2_000, description="`next_cursor` of the page before")]


class FilterQuery(BaseModel):
    """Which executions are wanted; what is not said asks for nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: tuple[Status, ...] = Field((), description="any of these")
    saga: Text = ""
    version: int | None = Field(None, ge=0, le=LARGEST)
    correlation_id: Text = ""
    business_key: Text = ""
    current_step: Text = ""
    failed_step: Text = ""
    fingerprint: Text = Field("", description="of an error, as lists show it")
    changed_after: Moment | None = None
    changed_before: Moment | None = None
    q: Text = Field(
        "", description="how a business key begins, or an execution id (`saga:` and more); or a whole correlation id"
    )

    def filter(self) -> Filter:
        """The service layer's filter."""
        return Filter(
            statuses=self.status,
            saga=self.saga,
            version=self.version,
            correlation_id=self.correlation_id,
            business_key=self.business_key,
            current_step=self.current_step,
            failed_step=self.failed_step,
            fingerprint=self.fingerprint,
            changed_after=self.changed_after,
            changed_before=self.changed_before,
            text=self.q,
        )

    @property
    def named(self) -> str:
        """Names the filter, for cursors."""
        return FilterQuery(**{name: getattr(self, name) for name in FilterQuery.model_fields}).model_dump_json()
