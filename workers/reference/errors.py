"""Every word for what may go wrong, as a document: docs/errors.md is made by it, and a test holds the file to it."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator import errors
from orchestrator.cli import exits
from orchestrator.console.api.problems import CODES, KINDS
from orchestrator.errors import MessageError, OrchestratorError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FILE = Path("docs/errors.md")
HEAD = """# Errors, codes and reasons

Each is a word that stays: programs may rely on it, sentences are for people and may change. What is wrong with a saga's
definition has codes of its own: [definition rules](definition-rules.md).

This file is made by `make docs` from the code.
"""
PARKED = {
    "ended": "its execution has ended; declare `on_completed='ignore'` if that is expected",
    "fault": "our own code failed on it, several times: see the worker's log",
    "held-at-end": "its execution ended before a step wanted it",
    "no-execution": "no execution of its key came in time: check the key, or send the first event",
    "no-room": "what its execution knows is as large as it may be: send it again without the large part",
    "released": "a person released it by `saga release`",
    "same-id-other-content": "a message of this source and id came before, with other content: send it with a new id",
    "second-start": "the execution of this key was started by an event with other content",
    "unknown-step": "a reply names a step that its execution does not have",
    "unwanted": "no step of its execution waits for this type",
}
"""Reasons for parking that are found out where executions are, not by reading the message."""
REFUSED = {
    "conflict": "the same key came before with a command that means something else",
    "expired": "the command came after its deadline; nothing was done or stored",
    "fault": "the participant's own code failed, several times; its text stays in its log",
    "rejected": "the participant refused, and gave no code of its own",
    "undone": "its undo came before it, or a probe found it not done: it will never have an effect",
}
"""Codes in `saga-error-code` of a reply that participants built with our kit give by themselves."""
SAID_WITH_MORE: Mapping[type[Exception], str] = {
    errors.PlanMovedError: "plan-moved",
    errors.SelectionMovedError: "selection-moved",
    errors.ConflictError: "revision-conflict",
    errors.InvalidRequestError: "invalid",
    errors.TooManyTriesError: "too-many-tries",
    errors.TooManyRequestsError: "too-many-requests",
}
"""Problems that have fields or headers beside those that all have: `problems.failure_of` makes each by itself."""
API = """
## Problems of the API

Each error is `application/problem+json` with a `code`. *Again* says that the same request may succeed later; then there
is a header `Retry-After`.

| code | status | title | again | remedy |
|---|---|---|---|---|
"""
REASONS = """
## Why messages are parked

A message that cannot be handled goes to the queue `saga.parking` with the reason in `saga-parked-reason`, never away;
`saga parked` lists such by reason.

| reason | when |
|---|---|
"""
CODES_OF_REPLIES = """
## What participants refuse by themselves

A handler refuses by `raise Rejected("a sentence", code="a-word")`; its word is the code of the reply. The kit's are:

| code | when |
|---|---|
"""
TREE = """
## Errors in Python

All are in `orchestrator.errors` and carry what they speak of as attributes. A command that one of them ends has the
exit status in the last column but one; a request by the API has the code in the last.

| error | is a | means | status | code |
|---|---|---|---|---|
"""


def document() -> str:
    """The whole file."""
    tables = ((API, _problems()), (REASONS, _reasons()), (CODES_OF_REPLIES, _refusals()), (TREE, _errors()))
    return HEAD + "".join(head + "".join(_line(*row) for row in rows) for head, rows in tables)


def _line(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _problems() -> Iterator[tuple[str, ...]]:
    for code, kind in KINDS.items():
        yield f"`{code}`", str(kind.status), kind.title, "yes" if kind.retryable else "", kind.remedy


def _reasons() -> Iterator[tuple[str, ...]]:
    said: dict[str, list[str]] = {}
    for error in _tree(MessageError):
        if issubclass(error, MessageError):
            said.setdefault(error.reason, []).append(_first(error))
    said |= {reason: [when] for reason, when in PARKED.items()}
    for reason in sorted(said):
        yield f"`{reason}`", " Or: ".join(said[reason])


def _refusals() -> Iterator[tuple[str, ...]]:
    for code, when in REFUSED.items():
        yield f"`{code}`", when


def _errors() -> Iterator[tuple[str, ...]]:
    for error in _tree(OrchestratorError):
        code = next((code for kind, code in (*SAID_WITH_MORE.items(), *CODES.items()) if issubclass(error, kind)), "")
        status = next((number for kinds, number in exits.STATUSES if issubclass(error, kinds)), exits.ERROR)
        above = f"`{error.__mro__[1].__name__}`"
        yield f"`{error.__name__}`", above, _first(error), str(status), f"`{code}`" if code else ""


def _tree(root: type[OrchestratorError]) -> Iterator[type[OrchestratorError]]:
    """The errors below one that are told of, each before those below it."""
    known = vars(errors)
    for below in root.__subclasses__():
        if known.get(below.__name__) is below:
            yield below
        yield from _tree(below)


def _first(error: type[OrchestratorError]) -> str:
    """What an error means: the first paragraph of its docstring, in one line."""
    return " ".join((inspect.getdoc(error) or "").partition("\n\n")[0].split())


if __name__ == "__main__":
    FILE.write_text(document(), encoding="utf-8")
