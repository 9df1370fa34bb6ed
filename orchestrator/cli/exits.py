"""The exit status of a command: what scripts can tell apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.cli.context import plain_console
from orchestrator.errors import (
    ConflictError,
    DeniedError,
    ExecutionNotFoundError,
    InvalidRequestError,
    KeyInUseError,
    KeyReusedError,
    MessageNotFoundError,
    OperationNotFoundError,
    OrchestratorError,
    ParkedNotFoundError,
    RefusedCommandError,
    SagaNotFoundError,
    TokenNotFoundError,
    TraceNotFoundError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

OK, ERROR, USAGE, NOT_FOUND, CONFLICT, DENIED, TIMEOUT, PARTIAL, DIFFERS = range(9)
NOBODY_KNOWS = (
    ExecutionNotFoundError,
    MessageNotFoundError,
    OperationNotFoundError,
    ParkedNotFoundError,
    SagaNotFoundError,
    TokenNotFoundError,
    TraceNotFoundError,
)
STATUSES: tuple[tuple[tuple[type[Exception], ...], int], ...] = (
    ((InvalidRequestError,), USAGE),
    (NOBODY_KNOWS, NOT_FOUND),
    ((ConflictError, RefusedCommandError, KeyInUseError, KeyReusedError), CONFLICT),
    ((DeniedError,), DENIED),
    ((TimeoutError,), TIMEOUT),
)


def status_of(command: Callable[[], object], *expected: type[Exception]) -> int:
    """Run a command; its exit status. What went wrong is one line on standard error, wrong usage is told by Typer.

    Args:
        command: the whole application, called as a program is.
        expected: errors beside those of this package that are told in words.
    """
    try:
        command()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else ERROR
    except Exception as error:
        if not isinstance(error, (OrchestratorError, *expected)):
            raise
        plain_console(stderr=True).print(f"saga: {told(error)}", style="red", soft_wrap=True)
        return exit_status(error)
    return OK


def exit_status(error: Exception) -> int:
    """The status for an error that ended a command; 1 for all that have none of their own."""
    return next((status for kinds, status in STATUSES if isinstance(error, kinds)), ERROR)


OPTIONS = ("reason", "key", "cursor", "status", "output", "evidence", "grant", "header")
"""Fields of requests that are typed as options of the same name."""


def _by_options(error: InvalidRequestError) -> str:
    """The problems, by the options in which they were typed."""
    found: list[str] = []
    for pointer, text in error.problems:
        name, _, rest = pointer.strip("/").partition("/")
        option = f"--{name}{f'/{rest}' if rest else ''}" if name in OPTIONS else pointer
        found.append(f"{option or 'the request'}: {text}")
    return "; ".join(found)


def told(error: Exception) -> str:
    """An error for people; a conflict with what happened meanwhile."""
    changes = getattr(error, "changes", ())
    plan = getattr(error, "plan", None)
    said = _by_options(error) if isinstance(error, InvalidRequestError) else str(error)
    lines = [said, *(f"  meanwhile: {change}" for change in changes)]
    if plan is not None:
        lines.append(f"  the plan is {plan.hash} now: see it by --dry-run")
    return "\n".join(lines)
