"""`saga contracts export | check`: the messages of the sagas as documents, held against the released ones."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, assert_never

import typer
import yaml
from pydantic_core import from_json, to_json
from rich.table import Table
from rich.text import Text

from orchestrator.adapters.registry.client import open_registry
from orchestrator.cli.context import DEFAULT, JsonOption, SagasOption, load_sagas, plain_console, print_document
from orchestrator.contracts.asyncapi import asyncapi
from orchestrator.contracts.codecs.documents import avro_document, is_carried, proto_files
from orchestrator.contracts.compatibility import Finding, Mode, compare
from orchestrator.contracts.json_schema import bundle, schemas_of
from orchestrator.errors import OrchestratorError
from orchestrator.service.contracts import contracts_of
from orchestrator.service.registry import held_against, stored
from orchestrator.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.contracts.contract import Contract, Schema

Format: TypeAlias = Literal["jsonschema", "asyncapi", "avro", "protobuf"]
BASELINE = Path("contracts.json")
FormatOption = Annotated[Format, typer.Option("--format", help="which kind of document")]
YamlOption = Annotated[bool, typer.Option("--yaml", help="as YAML instead of JSON")]
BaselineOption = Annotated[Path, typer.Option("--baseline", help="the released contracts, a bundle of JSON Schemas")]
IntoOption = Annotated[
    Path | None, typer.Option("--into", help="write a file for each message into this folder: avro and protobuf only")
]
ModeOption = Annotated[
    Mode, typer.Option("--mode", help="backward: new readers take old messages; forward: old readers take new ones")
]
RegistryOption = Annotated[
    str | None,
    typer.Option("--registry", metavar="URL", help="a schema registry with Confluent's API, in place of the baseline"),
]
RegisterOption = Annotated[bool, typer.Option("--register", help="store today's contracts there, if nothing breaks")]
UpdateOption = Annotated[bool, typer.Option("--update", help="write today's contracts into the baseline")]


def contracts_app() -> typer.Typer:
    """The sub-app `contracts`."""
    app = typer.Typer(help="The messages of the sagas, as others rely on them.", no_args_is_help=True)
    app.command("export")(export)
    app.command("check")(check)
    return app


def export(
    sagas: SagasOption = DEFAULT,
    kind: FormatOption = "jsonschema",
    into: IntoOption = None,
    *,
    as_yaml: YamlOption = False,
) -> None:
    """Print all contracts as one document; Avro schemas by message type, .proto files by path."""
    contracts = contracts_of(load_sagas(sagas))
    document = _document(contracts, kind)
    _tell_left_out(contracts, kind)
    if into is not None:
        _write(into, document, kind)
    elif as_yaml:
        yaml.safe_dump(document, sys.stdout, sort_keys=False, allow_unicode=True)
    else:
        print_document(document)


def check(
    sagas: SagasOption = DEFAULT,
    baseline: BaselineOption = BASELINE,
    mode: ModeOption = "full",
    registry: RegistryOption = None,
    *,
    update: UpdateOption = False,
    register: RegisterOption = False,
    json: JsonOption = False,
) -> None:
    """Hold today's contracts against the released ones. Exit 1 if something breaks, or a person must look."""
    contracts = contracts_of(load_sagas(sagas))
    ids: Mapping[str, int] = {}
    if registry is not None:
        findings, ids = asyncio.run(_at_registry(registry, contracts, mode, register=register))
    elif register:
        raise OrchestratorError("--register stores contracts in a registry: say which by --registry URL")
    else:
        findings = _against(baseline, bundle(contracts), mode, update=update)
    if json:
        document = {"ok": not findings, "mode": mode, "findings": [asdict(one) for one in findings]}
        print_document(document | ({"registered": ids} if register else {}))
    else:
        _print(findings, len(contracts), mode)
    if ids and not json:
        plain_console().print(f"{len(ids)} contracts registered")
    if findings:
        raise typer.Exit(1)


def _against(baseline: Path, today: Schema, mode: Mode, *, update: bool) -> tuple[Finding, ...]:
    if update:
        baseline.write_bytes(to_json(today, indent=2) + b"\n")
    return compare(schemas_of(_read(baseline)), schemas_of(today), mode)


async def _at_registry(
    address: str, contracts: Sequence[Contract], mode: Mode, *, register: bool
) -> tuple[tuple[Finding, ...], Mapping[str, int]]:
    async with open_registry(address, load_settings()) as opened:
        findings = await held_against(opened, contracts, mode)
        return findings, await stored(opened, contracts) if register and not findings else {}


def _document(contracts: Sequence[Contract], kind: Format) -> dict[str, Any]:
    match kind:
        case "jsonschema":
            return bundle(contracts)
        case "asyncapi":
            prefix = load_settings().name_prefix
            return asyncapi(contracts, title=prefix, version=version("saga-orchestrator"), prefix=prefix)
        case "avro":
            return avro_document(contracts)
        case "protobuf":
            return proto_files(contracts)
        case _:
            assert_never(kind)


def _tell_left_out(contracts: Sequence[Contract], kind: Format) -> None:
    """Name the messages that this format cannot carry; beside the document, which is for programs."""
    if kind in ("avro", "protobuf") and (left := [one.type for one in contracts if not is_carried(one, kind)]):
        typer.echo(f"left out, since only JSON can carry them: {', '.join(left)}", err=True)


def _write(folder: Path, document: dict[str, Any], kind: Format) -> None:
    """A file for each message, where a compiler looks for it."""
    if kind not in ("avro", "protobuf"):
        raise OrchestratorError(f"{kind} is one document: leave --into out, and send it into a file by >")
    for name, content in document.items():
        path = folder / (f"{name}.avsc" if kind == "avro" else name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(to_json(content, indent=2) + b"\n" if kind == "avro" else content.encode())


def _read(path: Path) -> Any:
    try:
        return from_json(path.read_bytes())
    except FileNotFoundError:
        remedy = f"write it by saga contracts check --update --baseline {path}, and keep it in version control"
        raise OrchestratorError(f"there is no baseline {path}: {remedy}") from None
    except (OSError, ValueError) as error:
        remedy = "restore it from version control"
        raise OrchestratorError(f"the baseline {path} cannot be read ({error}): {remedy}") from None


def _print(findings: Sequence[Finding], count: int, mode: Mode) -> None:
    console = plain_console()
    if not findings:
        console.print(Text(f"{count} contracts, {mode} compatible", style="green"))
        return
    table = Table("message", "field", "way", "what", box=None, pad_edge=False, header_style="dim")
    for one in findings:
        style = "red" if one.verdict == "breaks" else "yellow"
        table.add_row(one.type, one.place or "(body)", one.way, Text(one.text, style=style), style="")
    console.print(table)
    remedy = "Keep the old field or type beside the new one, or give the message another type."
    console.print(Text(f"{remedy} If everybody is ready for it: saga contracts check --update"))
