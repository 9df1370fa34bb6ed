"""What comes with everything that people do: why, and a key by which a repeat is known."""

from __future__ import annotations

from orchestrator.errors import InvalidRequestError

MIN_REASON, MAX_REASON, MAX_KEY = 8, 2_000, 200
"""Characters of a reason and of an idempotency key."""


def check_words(reason: str, key: str) -> None:
    """Reason and idempotency key are there and of a usable length.

    Raises:
        InvalidRequestError: they are not.
    """
    problems = wrong_reason(reason)
    if not 0 < len(key) <= MAX_KEY:
        problems.append(("/key", f"an idempotency key of 1 to {MAX_KEY} characters is needed"))
    if problems:
        raise InvalidRequestError(problems)


def check_reason(reason: str) -> None:
    """A reason alone, where a repeat is known by something else.

    Raises:
        InvalidRequestError: it is too short or too long.
    """
    if problems := wrong_reason(reason):
        raise InvalidRequestError(problems)


def wrong_reason(reason: str) -> list[tuple[str, str]]:
    """What is wrong with a reason, and where; empty if it is usable."""
    if MIN_REASON <= len(reason.strip()) <= MAX_REASON:
        return []
    return [("/reason", f"say why, in {MIN_REASON} to {MAX_REASON} characters")]
