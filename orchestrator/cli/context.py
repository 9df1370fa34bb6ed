"""What commands share: finding sagas, running coroutines, printing documents."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic_core import to_json

from orchestrator.errors import OrchestratorError
from orchestrator.saga.definition import Saga

if TYPE_CHECKING:
    from collections.abc import Iterable

DEFAULT = "sagas:SAGAS"
SagasOption = Annotated[str, typer.Option("--sagas", help="where the sagas are, as module:ATTRIBUTE")]
JsonOption = Annotated[bool, typer.Option("--json", help="print one JSON document and nothing else")]


def load_sagas(reference: str = DEFAULT) -> tuple[Saga, ...]:
    """The sagas at `module:ATTRIBUTE`: one saga, or an iterable of them.

    Raises:
        OrchestratorError: there are none; says what was looked for.
    """
    found = load(reference)
    sagas: Iterable[Any] = (found,) if isinstance(found, Saga) else found
    try:
        loaded = tuple(sagas)
    except TypeError:
        raise OrchestratorError(f"{reference} is a {type(found).__name__}: give it a tuple of sagas") from None
    strangers = [one for one in loaded if not isinstance(one, Saga)]
    if strangers or not loaded:
        raise OrchestratorError(f"{reference} holds {strangers[:1] or 'nothing'}: give it a tuple of sagas")
    return loaded


def load(reference: str) -> Any:
    """The object at `module:ATTRIBUTE`; the current folder can be imported from.

    Raises:
        OrchestratorError: there is no such module or attribute.
    """
    module_name, _, attribute = reference.partition(":")
    if not attribute:
        raise OrchestratorError(f"{reference!r} names no attribute: write module:ATTRIBUTE, as in {DEFAULT}")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise OrchestratorError(f"no module {error.name!r}, asked for by {reference!r}") from None
    try:
        return getattr(module, attribute)
    except AttributeError:
        raise OrchestratorError(f"module {module_name!r} has no {attribute!r}") from None


def saga_named(sagas: tuple[Saga, ...], name: str) -> Saga:
    """The saga of this name.

    Raises:
        OrchestratorError: there is none; names those there are.
    """
    for saga in sagas:
        if saga.name == name:
            return saga
    raise OrchestratorError(f"no saga {name!r}; there are {', '.join(saga.name for saga in sagas)}")


def print_document(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(to_json(value, indent=2).decode() + "\n")
