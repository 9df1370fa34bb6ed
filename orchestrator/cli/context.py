"""What commands share: finding sagas, running coroutines, printing documents."""

from __future__ import annotations

import importlib
import os
import sys
import sysconfig
from codecs import BOM_UTF8
from difflib import get_close_matches
from pathlib import Path
from traceback import extract_tb
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic_core import to_json
from rich.console import Console

from orchestrator.cli.making_way import collision, way_made
from orchestrator.contracts.decoding import decode
from orchestrator.errors import InvalidRequestError, MalformedMessageError, OrchestratorError
from orchestrator.saga.definition import Saga
from orchestrator.saga.places import place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import ModuleType

    from rich.console import ConsoleOptions, RenderableType
    from rich.segment import Segment

DEFAULT = "sagas:SAGAS"
OTHERS = (
    Path(__file__).resolve().parents[1],
    *(Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
)
"""Where code lies that no author of sagas wrote: ours, Python's, and what is installed."""
UNBOUNDED = 10_000
"""As wide as no line is, in characters."""
VISIBLE: Mapping[int, int] = MappingProxyType(
    {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n"}
    | {0x7F: 0x2421}
    | dict.fromkeys((*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)), 0xFFFD)
)
"""By character: the sign that stands for it where it would be an order to a terminal, or turn a text's direction."""
ESCAPED: Mapping[int, str] = MappingProxyType({code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)})
"""The same within JSON, which escapes those below a blank itself: the document means what it meant."""
SagasOption = Annotated[str, typer.Option("--sagas", help="where the sagas are, as module:ATTRIBUTE")]
ExecutionId = Annotated[str, typer.Argument(help="as in fulfil-order:A17", show_default=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="print one JSON document and nothing else")]


class HarmlessConsole(Console):
    """A terminal that takes no orders from what is printed: what came by message may hold control sequences."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """What is printed, with a sign in place of each character of `VISIBLE`."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=segment.text.translate(VISIBLE))


def plain_console(*, stderr: bool = False, soft_wrap: bool = False) -> Console:
    """A terminal on which a text is printed as it is: ids and reasons are neither markup nor emoji. Style by `Text`."""
    return HarmlessConsole(stderr=stderr, soft_wrap=soft_wrap, markup=False, emoji=False, highlight=False)


def table_console() -> Console:
    """The same for tables: they fit a terminal; where none is, nothing is cut or folded."""
    console = plain_console()
    if not (console.is_terminal or "COLUMNS" in os.environ):
        console.width = UNBOUNDED
    return console


def load_sagas(reference: str = DEFAULT) -> tuple[Saga, ...]:
    """The sagas at `module:ATTRIBUTE`: one saga, or an iterable of them.

    Raises:
        OrchestratorError: there are none; says what was looked for.
    """
    found = load(reference)
    sagas: Iterable[Any] = (found,) if isinstance(found, Saga) else found
    remedy = f"write {reference.partition(':')[2]} = (my_saga, ...), a tuple of sagas"
    try:
        loaded = tuple(sagas)
    except TypeError:
        raise OrchestratorError(f"{reference} is a {type(found).__name__}: {remedy}") from None
    strangers = [type(one).__name__ for one in loaded if not isinstance(one, Saga)]
    if strangers or not loaded:
        held = f"a {strangers[0]}" if strangers else "nothing"
        raise OrchestratorError(f"{reference} holds {held}: {remedy}")
    return loaded


def load(reference: str) -> Any:
    """The object at `module:ATTRIBUTE`; the current folder can be imported from.

    Raises:
        OrchestratorError: there is no such module or attribute.
    """
    module_name, _, attribute = reference.partition(":")
    if not attribute:
        raise OrchestratorError(f"{reference!r} names no attribute: write module:ATTRIBUTE, as in {DEFAULT}")
    if (here := str(Path.cwd())) != sys.path[0]:
        sys.path.insert(0, here)
    module = _imported(module_name, reference)
    try:
        return getattr(module, attribute)
    except AttributeError:
        names = [name for name in vars(module) if not name.startswith("_")]
        close = get_close_matches(attribute, names, n=1)
        hint = f"did you mean {module_name}:{close[0]}?" if close else f"define {attribute} in {module.__file__}"
        raise OrchestratorError(f"module {module_name!r} has no {attribute!r}: {hint}") from None


def _imported(module_name: str, reference: str) -> ModuleType:
    try:
        with way_made(module_name):
            return importlib.import_module(module_name)
    except OrchestratorError:
        raise
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            told = f"{module_name!r} imports {error.name!r}, which is not installed{collision(error.name or '')}"
            raise OrchestratorError(told) from error
        raise OrchestratorError(
            f"there is no module {error.name!r}, asked for by {reference!r}: run saga where it can be imported, as in"
            f" the folder that holds it, or write --sagas module:ATTRIBUTE{collision(module_name)}"
        ) from None
    except Exception as error:
        told = f"{module_name!r} cannot be imported: {type(error).__name__}: {error}{collision(module_name)}"
        raise OrchestratorError(f"{told}     {_place_of(error)}".rstrip()) from error


def _place_of(error: Exception) -> str:
    """The author's line at which an import failed; empty if it did not come to any, as where a line is no Python."""
    calls = (call for call in extract_tb(error.__traceback__) if not call.filename.startswith("<"))
    theirs = [call for call in calls if not any(Path(call.filename).is_relative_to(folder) for folder in OTHERS)]
    return place(theirs[-1].filename, theirs[-1].lineno or 0) if theirs else ""


def saga_named(sagas: tuple[Saga, ...], name: str) -> Saga:
    """The saga of this name, its newest version.

    Raises:
        OrchestratorError: there is none; names those there are.
    """
    found = [saga for saga in sagas if saga.name == name]
    if not found:
        names = ", ".join(sorted({saga.name for saga in sagas}))
        raise OrchestratorError(f"there is no saga {name!r}: take one of {names}, or write --sagas module:ATTRIBUTE")
    return max(found, key=lambda saga: saga.version)


def json_of(given: bytes, option: str) -> Any:
    """What a person gave as JSON, within the limits of messages; the byte order mark of some editors is passed over.

    Raises:
        InvalidRequestError: it is none; names the option.
    """
    try:
        return decode(given.removeprefix(BOM_UTF8))
    except MalformedMessageError as error:
        raise InvalidRequestError([(f"/{option}", str(error).replace("the body", "it", 1))]) from None


def print_document(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(to_json(value, indent=2).decode().translate(ESCAPED) + "\n")
