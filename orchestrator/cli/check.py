"""`saga check`: every saga's definition, its warnings, and that no released version has got another plan."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import TypeAdapter, ValidationError
from rich.text import Text

from orchestrator.cli.context import DEFAULT, JsonOption, SagasOption, load_sagas, plain_console, print_document
from orchestrator.errors import OrchestratorError
from orchestrator.saga.definition import gathering_errors
from orchestrator.saga.locking import is_locked, reused, updated
from orchestrator.saga.rules import Problem
from orchestrator.saga.together import clashes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.saga.definition import Saga
    from orchestrator.saga.locking import Lock

LOCK_FILE = "sagas.lock"
UpdateOption = Annotated[
    bool, typer.Option("--update-lock", help=f"write the plans of all versions declared here to {LOCK_FILE}")
]
_LOCK = TypeAdapter(dict[str, dict[str, str]])


@dataclass(frozen=True, slots=True)
class Row:
    """One problem, with the saga that has it."""

    saga: str
    code: str
    text: str
    place: str


def check(sagas: SagasOption = DEFAULT, *, update_lock: UpdateOption = False, json: JsonOption = False) -> None:
    """Check all sagas; a definition with problems is reported whole, with code, place and remedy. Exit 1 if any has."""
    path = lock_path()
    lock = read_lock(path)
    found, rows = _found(sagas, told_in_document=json)
    if update_lock and not rows:
        lock = updated(lock, found)
        write_lock(path, lock)
    rows += [*(_row(saga.name, problem) for saga, problem in clashes(found)), *_reused(found, lock)]
    if json:
        print_document(document(found, rows, lock))
    else:
        _print(found, rows, lock)
    if rows:
        raise typer.Exit(1)


def _found(sagas: str, *, told_in_document: bool) -> tuple[tuple[Saga, ...], list[Row]]:
    """The sagas that can be used, and what is wrong with the others, or with the module that has them."""
    with gathering_errors() as broken:
        try:
            loaded = load_sagas(sagas)
        except OrchestratorError as error:
            if not broken and not told_in_document:
                raise
            # What a broken saga lacks may be what its module stumbled over.
            loaded, unreadable = (), [] if broken else [Row("", "", str(error), "")]
        else:
            unreadable = []
    rows = [_row(error.saga, problem) for error in broken for problem in error.problems]
    return tuple(saga for saga in loaded if "plan" in vars(saga)), rows + unreadable


def document(sagas: Iterable[Saga], rows: Iterable[Row], lock: Lock) -> dict[str, Any]:
    """What `--json` prints."""
    problems = [asdict(row) for row in rows]
    return {"ok": not problems, "sagas": [_described(saga, lock) for saga in sagas], "problems": problems}


def lock_path() -> Path:
    """The lock file: beside the nearest pyproject.toml upward from the current folder, else in this folder."""
    here = Path.cwd()
    project = next((folder for folder in (here, *here.parents) if (folder / "pyproject.toml").is_file()), here)
    return project / LOCK_FILE


def read_lock(path: Path) -> dict[str, dict[str, str]]:
    """The lock in a file, empty if there is none.

    Raises:
        OrchestratorError: the file holds something else; says what to do.
    """
    try:
        return _LOCK.validate_json(path.read_bytes())
    except FileNotFoundError:
        return {}
    except ValidationError as error:
        remedy = "restore it from version control, or delete it and run saga check --update-lock"
        raise OrchestratorError(f"{path} is no lock of sagas ({error.errors()[0]['msg']}): {remedy}") from None


def write_lock(path: Path, lock: Lock) -> None:
    """Write the lock, one version a line, so that version control shows what changed."""
    path.write_text(json.dumps(lock, indent=2) + "\n")


def _reused(sagas: tuple[Saga, ...], lock: Lock) -> list[Row]:
    checked = ((saga, reused(saga, lock)) for saga in sagas)
    return [_row(saga.name, problem) for saga, problem in checked if problem]


def _row(saga: str, problem: str) -> Row:
    if isinstance(problem, Problem):
        return Row(saga, problem.code, problem.text, problem.place)
    return Row(saga, "", problem, "")


def _described(saga: Saga, lock: Lock) -> dict[str, Any]:
    return {
        "saga": saga.name,
        "version": saga.version,
        "plan": saga.plan.content_hash,
        "place": saga.place,
        "locked": is_locked(saga, lock),
        "warnings": [asdict(_row(saga.name, warning)) for warning in saga.warnings],
    }


def _print(sagas: Iterable[Saga], rows: list[Row], lock: Lock) -> None:
    console = plain_console(soft_wrap=True)
    for saga in sagas:
        console.print(Text.assemble((saga.name, "bold"), f" version {saga.version} plan {saga.plan.content_hash}"))
        for warning in saga.warnings:
            console.print(f"  {warning}", style="yellow")
        if lock and not is_locked(saga, lock):
            console.print(f"  version {saga.version} is not in {LOCK_FILE} yet: saga check --update-lock", style="dim")
    for row in rows:
        console.print(_line(row), style="red")
    console.print(_counted(rows), style="red" if rows else "green")


def _line(row: Row) -> str:
    head = f"{row.saga}: {row.code} " if row.saga else ""
    return f"{head}{row.text}     {row.place}".rstrip()


def _counted(rows: list[Row]) -> str:
    return f"{len(rows)} problem{'s' if len(rows) > 1 else ''}" if rows else "no problems"
