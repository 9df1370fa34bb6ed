"""The addresses of the local servers, and the file `.local/environment` that keeps them."""

import os
import shlex
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self

from deploy.local.errors import BootstrapError

FILE = Path(".local") / "environment"
HEADER = "# Written by `saga up`; a real environment variable wins over a line here.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Where the servers are. Each field is the variable `SAGA_` + its name in capitals; addresses hold passwords."""

    temporal_address: str
    temporal_namespace: str
    temporal_ui_url: str
    rabbitmq_url: str
    rabbitmq_management_url: str
    database_url: str
    traces: str
    """Where processes that are started here write spans."""
    postgres_url: str
    """A PostgreSQL that is started only when asked for; its user may make databases."""
    postgres_folder: str
    """Where its data lies, if not below `.local/`: `make clean` removes it too."""

    def variables(self) -> dict[str, str]:
        """The same as environment variables; those that say nothing are left out."""
        return {f"SAGA_{name.upper()}": value for name, value in asdict(self).items() if value}

    @classmethod
    def of(cls, variables: dict[str, str]) -> Self:
        """The environment that these variables describe; a missing one is empty."""
        return cls(**{field.name: variables.get(f"SAGA_{field.name.upper()}", "") for field in fields(cls)})


def given_variables() -> dict[str, str]:
    """The variables of this kind that the process was started with."""
    names = {f"SAGA_{field.name.upper()}" for field in fields(Environment)}
    return {name: os.environ[name] for name in sorted(names) if os.environ.get(name)}


def write_environment(project: Path, environment: Environment) -> Path:
    """Write `.local/environment`, readable by its owner only, in one move so that no reader sees half of it."""
    file = project / FILE
    lines = [f"{name}={_quoted(value)}\n" for name, value in environment.variables().items()]
    write_private(file, HEADER + "".join(lines))
    return file


def _quoted(value: str) -> str:
    """The value as both a shell and a reader of .env files understand it: they differ on apostrophes in apostrophes."""
    if "'" not in value:
        return shlex.quote(value)
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def read_environment(file: Path) -> Environment:
    """What `write_environment` wrote.

    Raises:
        BootstrapError: a line is not KEY=VALUE.
    """
    variables: dict[str, str] = {}
    for number, line in enumerate(file.read_text().splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals:
            raise BootstrapError(f"{file}:{number} is not KEY=VALUE; remove the file and run `saga up` again")
        variables[name.strip()] = "".join(shlex.split(value))
    return Environment.of(variables)


def find_environment(start: Path | None = None) -> Path | None:
    """The nearest `.local/environment` in `start` (the current folder) or above it, None if there is none."""
    here = (start or Path.cwd()).resolve()
    found = (folder / FILE for folder in (here, *here.parents) if (folder / FILE).is_file())
    return next(found, None)


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner can read, never showing half of it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:  # noqa: PTH123 - the mode must hold from the first byte
        out.write(text)
    draft.replace(file)
