"""Every error as `application/problem+json` (RFC 9457), with a code for programs and a sentence for people."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, Field
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.routing import Match

from orchestrator import errors
from orchestrator.console.api.documents import plan_document

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastapi import FastAPI, Request

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
AS_GET = "HEAD"
"""Answered as GET is, without the body: see `guarding`."""
_JSON = re.compile(r"application/(?:[^/]+\+)?json")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: its status, a title, whether the same request may succeed later, and what to do about it."""

    status: int
    title: str
    retryable: bool = False
    remedy: str = ""


KINDS: Mapping[str, Kind] = {
    "malformed": Kind(400, "The request cannot be read", remedy="Send JSON in UTF-8, without numbers beyond 64 bits."),
    "idempotency-key-missing": Kind(400, "An idempotency key is needed", remedy="Send the header Idempotency-Key."),
    "cursor-invalid": Kind(400, "The cursor cannot be read", remedy="Begin at the first page again."),
    "cursor-mismatch": Kind(400, "The cursor is of another list", remedy="Send the filter that the cursor came with."),
    "unknown-caller": Kind(401, "Nobody knows who asks", remedy="Send `Authorization: Bearer` with a good token."),
    "denied": Kind(403, "A permission is missing", remedy="Ask an administrator to grant the permission it names."),
    "cross-site": Kind(403, "Not from another site", remedy="Open the page here, and send its form from there."),
    "unencrypted": Kind(403, "Not without TLS", remedy="Open the console by https."),
    "form-unknown": Kind(403, "The form is not of this session", remedy="Open the page anew and fill it in again."),
    "password-to-choose": Kind(403, "Choose a password first", remedy="A one-time password is good for that alone."),
    "not-found": Kind(404, "There is no such thing", remedy="Look at the address; ids are case-sensitive."),
    "method-not-allowed": Kind(405, "Not by this method", remedy="See the header Allow."),
    "refused": Kind(409, "Not allowed in this state", remedy="Read the execution again; its actions say what is."),
    "plan-moved": Kind(409, "The plan is not the present one any more", remedy="Look at `plan`, confirm its hash."),
    "selection-moved": Kind(409, "The filter selects something else now", remedy="Ask for a new preview."),
    "idempotency-key-in-use": Kind(409, "The same request is under way", True, "Send it again in a moment."),  # noqa: FBT003
    "revision-conflict": Kind(412, "It has changed meanwhile", remedy="Read `changes`, then decide again."),
    "too-large": Kind(413, "The body is too large", remedy="Send a reference to the content instead."),
    "unsupported-media-type": Kind(415, "The body is of another kind", remedy="Send it as `application/json`."),
    "invalid": Kind(422, "The request is not what it must be", remedy="See `errors`: where, and what is wrong."),
    "idempotency-key-reused": Kind(422, "The key was used for another request", remedy="Take a new key."),
    "precondition-required": Kind(428, "Say what you saw", remedy="Send `If-Match` with the execution's ETag, or `*`."),
    "too-many-streams": Kind(429, "Too many event streams", True, "Close one first."),  # noqa: FBT003
    "too-many-requests": Kind(429, "Too many requests", True, "Wait as long as the header Retry-After says."),  # noqa: FBT003
    "too-many-tries": Kind(429, "Too many tries", True, "Wait as long as the header Retry-After says."),  # noqa: FBT003
    "http-error": Kind(400, "The request failed"),
    "internal": Kind(500, "Something is wrong here", remedy="Look into the log for the trace id."),
    "engine-fault": Kind(502, "Temporal gave an answer that says nothing", True, "Send it again."),  # noqa: FBT003
    "unavailable": Kind(503, "A server is away", True, "Nothing was half done: send the same again later."),  # noqa: FBT003
}
"""Every code that there is."""


class Place(BaseModel):
    """Where something is wrong, as a JSON pointer into the body, or /query/name, /header/name, /path/name."""

    pointer: str
    message: str


class Problem(BaseModel):
    """What went wrong."""

    type: str = Field(description="address of a page about this kind of problem")
    title: str
    status: int
    detail: str
    instance: str = Field(description="the path that was asked for")
    code: str = Field(description="the kind of problem, for programs")
    errors: list[Place] = Field(description="every place where something is wrong")
    trace_id: str = Field(description="by which this request is found in the log and in the audit")
    retryable: bool = Field(description="whether the same request may succeed later")


@dataclass(frozen=True, slots=True)
class Failure:
    """A problem before it is written: `more` are fields beside those that all have."""

    code: str
    detail: str
    errors: Sequence[tuple[str, str]] = ()
    more: Mapping[str, Any] = field(default_factory=dict[str, Any])
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    status: int = 0


CODES: Mapping[type[Exception], str] = {
    errors.DeniedError: "denied",
    errors.PasswordToChooseError: "password-to-choose",
    errors.UnknownCallerError: "unknown-caller",
    errors.ExecutionNotFoundError: "not-found",
    errors.MessageNotFoundError: "not-found",
    errors.OperationNotFoundError: "not-found",
    errors.ParkedNotFoundError: "not-found",
    errors.TokenNotFoundError: "not-found",
    errors.SagaNotFoundError: "not-found",
    errors.RefusedCommandError: "refused",
    errors.KeyReusedError: "idempotency-key-reused",
    errors.KeyInUseError: "idempotency-key-in-use",
    errors.MalformedMessageError: "malformed",
    errors.MessageTooLargeError: "too-large",
    errors.TooManyStreamsError: "too-many-streams",
    errors.EngineFaultError: "engine-fault",
    errors.EngineUnavailableError: "unavailable",
    errors.StoreUnavailableError: "unavailable",
    errors.LedgerOutdatedError: "unavailable",
    errors.IdentityUnavailableError: "unavailable",
}
"""Which problem an error is that says all by its sentence."""


def failure_of(error: Exception) -> Failure:
    """What an error is for a caller; of those that nobody expected they learn nothing."""
    match error:
        case errors.RequestProblemError():
            return Failure(error.code, str(error))
        case errors.TooManyTriesError():
            return Failure("too-many-tries", str(error), headers={"Retry-After": str(error.seconds)})
        case errors.TooManyRequestsError():
            return Failure("too-many-requests", str(error), headers={"Retry-After": str(error.seconds)})
        case errors.InvalidRequestError():
            return Failure("invalid", str(error), errors=error.problems)
        case errors.PlanMovedError():
            return Failure("plan-moved", str(error), more={"plan": plan_document(error.plan)})
        case errors.SelectionMovedError():
            return Failure("selection-moved", str(error), more={"token": error.token, "count": error.count})
        case errors.ConflictError():
            more = {"revision": error.revision, "changes": list(error.changes)}
            return Failure("revision-conflict", str(error), more=more)
        case RequestValidationError():
            return Failure("invalid", "the request does not fit its description", errors=list(_places(error)))
        case HTTPException():
            return _of_http(error)
        case _:
            code = next((code for kind, code in CODES.items() if isinstance(error, kind)), "internal")
            return Failure(code, "see the log for the trace id" if code == "internal" else str(error))


def respond(failure: Failure, *, path: str, root: str, trace_id: str) -> Response:
    """The answer."""
    kind = KINDS[failure.code]
    problem = Problem(
        type=f"{root}/problems/{failure.code}",
        title=kind.title,
        status=failure.status or kind.status,
        detail=failure.detail,
        instance=path,
        code=failure.code,
        errors=[Place(pointer=pointer, message=message) for pointer, message in failure.errors],
        trace_id=trace_id,
        retryable=kind.retryable,
    )
    headers = dict(failure.headers)
    if kind.retryable:
        headers.setdefault("Retry-After", str(RETRY_AFTER_SECONDS))
    if kind.status == 401:  # noqa: PLR2004
        headers["WWW-Authenticate"] = "Bearer"
    body = to_json({**problem.model_dump(), **failure.more})
    return Response(body, problem.status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Let every error of an app be a problem."""

    async def answer(request: Request, error: Exception) -> Response:
        if request.method == "OPTIONS" and isinstance(error, HTTPException) and error.status_code == 405:  # noqa: PLR2004
            return Response(status_code=204, headers={"Allow": _allowed(request)})
        failure = _of_request(request, error) or failure_of(error)
        trace_id = request.scope["state"]["trace_id"]
        if failure.code == "internal":  # one of ours that no caller can do anything about
            log.error("request %s failed", trace_id, exc_info=error)
        root = request.scope.get("root_path", "")
        return respond(failure, path=request.url.path, root=root, trace_id=trace_id)

    for kind in (errors.OrchestratorError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, answer)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For the description of a route: problems that every route may answer, and these."""
    always = (400, 401, 403, 404, 422, 429, 500, 503)
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {
        status: {"description": _titles(status), "content": {MEDIA_TYPE: schema}}
        for status in sorted({*always, *statuses})
    }


def _titles(status: int) -> str:
    return "; ".join(kind.title for kind in KINDS.values() if kind.status == status)


def _of_request(request: Request, error: Exception) -> Failure | None:
    """What only the request can tell: a body that was not read as JSON, and every method of a path."""
    match error:
        case RequestValidationError() if any(one["loc"][0] == "body" for one in error.errors()):
            kind = request.headers.get("content-type", "")
            said = kind.partition(";")[0].strip().lower()
            if _JSON.fullmatch(said):
                return None
            return Failure(
                "unsupported-media-type", f"the body must be application/json, not {said[:100] or 'unsaid'!r}"
            )
        case HTTPException(status_code=405):
            headers = {"Allow": _allowed(request)} if error.headers else {}
            return Failure("method-not-allowed", str(error.detail), headers=headers)
        case _:
            return None


def methods_at(request: Request) -> list[str]:
    """By which methods the path of a request can be asked: several routes share one, each knows its own only."""
    asked = [(method, {**request.scope, "method": method}) for method in METHODS]
    return [name for name, scope in asked if any(one.matches(scope)[0] is Match.FULL for one in request.app.routes)]


def _allowed(request: Request) -> str:
    found = methods_at(request)
    return ", ".join(sorted({*found, "OPTIONS", *((AS_GET,) if "GET" in found else ())}))


def _of_http(error: HTTPException) -> Failure:
    codes = {kind.status: code for code, kind in reversed(list(KINDS.items()))}
    code = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code) or codes.get(error.status_code)
    return Failure(code or "http-error", str(error.detail), headers=error.headers or {}, status=error.status_code)


def _places(error: RequestValidationError) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for one in error.errors():
        where, *rest = (str(part) for part in one["loc"])
        parts = rest if where == "body" else [where, *rest]
        found.append(("".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in parts), one["msg"]))
    return found
