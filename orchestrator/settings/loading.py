"""Where settings come from, and what is said when they are wrong: all of it at once, each with its source.

Values come from environment variables (`SAGA_` + the field's name) or from the nearest `.local/environment`, looked for
upward from the current folder; a real environment variable wins.
"""

from __future__ import annotations

import logging
import os
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from dotenv.parser import parse_stream
from pydantic import SecretStr, ValidationError

from orchestrator.errors import SettingsError, WrongSetting
from orchestrator.settings.model import DATABASE_FILE, PREFIX, Settings, is_secret, variable
from orchestrator.settings.traces import TRACE_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

log = logging.getLogger(__name__)

ENVIRONMENT_FILE = Path(".local") / "environment"
PROJECT_FILE = "pyproject.toml"
ALIKE = 0.85
"""How alike a name must be to a setting's to be taken for a slip: other programs have SAGA_ variables too."""


def find_environment(start: Path | None = None) -> Path | None:
    """The nearest `.local/environment` in `start` (the current folder) or above it, None if there is none."""
    return _nearest(ENVIRONMENT_FILE, start)


def project_folder(start: Path | None = None) -> Path:
    """The folder whose `.local` holds what this project's processes keep.

    It has the nearest `.local/environment`, else the nearest pyproject.toml, upward from `start` (the current folder);
    else it is `start`.
    """
    if environment := find_environment(start):
        return environment.parent.parent
    project = _nearest(Path(PROJECT_FILE), start)
    return project.parent if project else (start or Path.cwd()).resolve()


def load_settings(start: Path | None = None, given: Mapping[str, str] = MappingProxyType({})) -> Settings:
    """Settings from the environment and the nearest `.local/environment`.

    Args:
        start: where to look upward from; the current folder unless given.
        given: fields from the command line, which win.

    Raises:
        SettingsError: values are not allowed; names each variable, its value, its source, and what is allowed.
    """
    file = find_environment(start)
    filed = _read(file) if file else {}
    try:
        settings = Settings(_env_file=file, **given)  # type: ignore[arg-type]  # pyright: ignore - texts, as in variables
    except ValidationError as error:
        sources = _named(filed, str(file)) | _named(os.environ, "the environment")
        sources |= {variable(field): "the command line" for field in given}
        raise SettingsError(*_explained(error, sources)) from None
    for warning in _slips({**filed, **os.environ}):
        log.warning(warning)
    project = project_folder(start)
    defaults = {
        "database_url": SecretStr(f"sqlite:///{project / DATABASE_FILE}"),
        "trace_folder": project / TRACE_FOLDER,
    }
    missing = {name: value for name, value in defaults.items() if name not in settings.model_fields_set}
    return settings.model_copy(update=missing)


def _nearest(what: Path, start: Path | None) -> Path | None:
    here = (start or Path.cwd()).resolve()
    return next((folder / what for folder in (here, *here.parents) if (folder / what).is_file()), None)


def _read(file: Path) -> dict[str, str | None]:
    """The file's names in capitals, with their values.

    Raises:
        SettingsError: it cannot be read, or some of its lines are not NAME=value. Shows none of them.
    """
    try:
        with file.open(encoding="utf-8") as text:
            lines = list(parse_stream(text))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(WrongSetting(str(file), None, f"it cannot be read: {_why(error)}")) from None
    wrong = [line.original.line for line in lines if line.error or (line.key and line.value is None)]
    if wrong:
        numbers = ", ".join(str(number) for number in wrong)
        raise SettingsError(WrongSetting(str(file), None, f"not NAME=value in line {numbers}: mend or remove it"))
    return {line.key.upper(): line.value for line in lines if line.key}


def _why(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else "it is not UTF-8"


def _named(names: Iterable[str], source: str) -> dict[str, str]:
    return {name.upper(): source for name in names}


def _explained(error: ValidationError, sources: Mapping[str, str]) -> Iterator[WrongSetting]:
    """Each problem; `sources`: where each variable that is set comes from."""
    for problem in error.errors(include_url=False):
        field = str(problem["loc"][0])
        allowed = problem["msg"].removeprefix("Value error, ")
        value = None if is_secret(field) else _shown(problem["input"])
        source = sources.get(variable(field), "the default")
        yield WrongSetting(variable(field), value, f"{allowed} ({Settings.model_fields[field].description})", source)


def _shown(value: Any) -> str:
    if isinstance(value, timedelta):
        return f"{value.total_seconds():.10g}"
    return "not set" if value is None else str(value)


def _slips(names: Iterable[str]) -> Iterator[str]:
    """What is said of names that are no setting but look like one."""
    known = {variable(field): field for field in Settings.model_fields}
    for name in sorted({name.upper() for name in names}):
        if not name.startswith(PREFIX) or name in known:
            continue
        bare = name.removeprefix(PREFIX).lower()
        if close := get_close_matches(bare, known.values(), n=1, cutoff=ALIKE):
            yield f"{name} is no setting and has no effect: did you mean {variable(close[0])}?"
