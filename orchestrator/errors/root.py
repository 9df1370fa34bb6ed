"""The root of the tree, and the one verdict that is no error of this package."""

from __future__ import annotations


class OrchestratorError(Exception):
    """Root of all errors that this package raises on purpose."""


class Rejected(Exception):  # noqa: N818 - authors read it as a verdict: `raise Rejected("insufficient funds")`
    """Raised by an action or a participant: no effect was made, do not try again, undo the rest.

    Args:
        reason: one sentence for people.
        code: a short stable word for programs; `rejected` unless given.
        retryable: True says that trying again later may help (the step's retry policy then decides).
    """

    def __init__(self, reason: str, *, code: str = "rejected", retryable: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.retryable = retryable
