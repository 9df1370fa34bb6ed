"""What a line of the log is about: whatever is said while work for an execution is in hand says which one.

The words are few and the same everywhere: saga, execution_id, correlation_id, step, direction, attempt.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from orchestrator.service.records import saga_of

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

NOTHING: Mapping[str, Any] = MappingProxyType({})
_ABOUT: ContextVar[Mapping[str, Any]] = ContextVar("ABOUT", default=NOTHING)


def now_about() -> Mapping[str, Any]:
    """What is in hand now."""
    return _ABOUT.get()


@contextmanager
def about(
    execution_id: str, correlation_id: str = "", *, step: str = "", direction: str = "", attempt: int = 0
) -> Generator[None]:
    """While the block runs, this is in hand: an execution, and maybe an attempt of one of its steps."""
    token = _ABOUT.set(ids(execution_id, correlation_id, step=step, direction=direction, attempt=attempt))
    try:
        yield
    except GeneratorExit:
        raise  # a task that nobody ends is collected in whatever context that happens: its own is gone
    except BaseException:
        _ABOUT.reset(token)
        raise
    _ABOUT.reset(token)


def ids(
    execution_id: str, correlation_id: str = "", *, step: str = "", direction: str = "", attempt: int = 0
) -> dict[str, Any]:
    """The same for one line: `log.warning(..., extra=ids(execution_id))`. What is not known is left out."""
    named = {
        "saga": saga_of(execution_id),
        "execution_id": execution_id,
        "correlation_id": correlation_id,
        "step": step,
        "direction": direction,
        "attempt": attempt,
    }
    return {name: value for name, value in named.items() if value}
