"""The page to sign in, as whoever must sign in first meets it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from orchestrator.console.api.context import console_of
from orchestrator.console.api.problems import KINDS, failure_of
from orchestrator.console.pages.rendering import page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import Request, Response

    from orchestrator.errors import OrchestratorError

UNTOLD: Mapping[str, str] = {}


def door(
    request: Request, back: str, *, error: OrchestratorError | None = None, unsent: Mapping[str, str] = UNTOLD
) -> Response:
    """The page to sign in, with what went wrong; `unsent`: what was written into a form that nobody could send."""
    failure = None if error is None else failure_of(error)
    status = 200 if failure is None else KINDS[failure.code].status
    values = {"back": back, "failure": failure, "unsent": unsent, "provider": _provider_name(request)}
    answer = page(request, "sign_in.html", status=status, **values)
    answer.headers.update({} if failure is None else failure.headers)
    return answer


def _provider_name(request: Request) -> str:
    provider = console_of(request).service.entering.provider
    return "" if provider is None else urlsplit(provider.issuer).netloc
