"""The settings as a document: docs/settings.md is made by it, and a test holds the file to it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import SecretStr

from orchestrator.settings.fields import Allowed
from orchestrator.settings.model import DATABASE_FILE, Settings, is_secret, variable
from orchestrator.settings.provider import ProviderSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

HEAD = """# Settings

Every setting is an environment variable. `saga` also reads the nearest `.local/environment`, looked for upward from the
current folder; a real environment variable wins. Lengths of time are seconds (`2.5`) or ISO 8601 (`PT5M`). What is
wrong is told all at once, by name, value, source and what is allowed; the value of a secret is never shown. An empty
value is refused. A name that looks like a slip of one of these is warned of.

Unencrypted connections that leave the machine are refused unless `SAGA_ALLOW_PLAINTEXT=1`.

This file is made by `make docs` from `orchestrator/settings/model.py`.

| variable | default | allowed | meaning |
|---|---|---|---|
"""
_KINDS: dict[Any, str] = {bool: "`0` or `1`", str: "text", SecretStr: "text"}


def document() -> str:
    """The whole file."""
    fields = Settings.model_fields
    last = [name for name in fields if name in ProviderSettings.model_fields]
    return HEAD + "".join(_row(name, fields[name]) for name in [*(set_ for set_ in fields if set_ not in last), *last])


def _row(name: str, field: FieldInfo) -> str:
    secret = " (secret)" if is_secret(name) else ""
    cells = (f"`{variable(name)}`", _default(name, field), _allowed(field) + secret, field.description or "")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _default(name: str, field: FieldInfo) -> str:
    value: Any = field.default
    match value:
        case None:
            return "not set"
        case bool():
            return f"`{int(value)}`"
        case timedelta():
            return f"`{value.total_seconds():g}`" if value < timedelta(days=1) else f"`P{value.days}D`"
        case Path():
            return f"`<project>/{value}`"
        case SecretStr() if name == "database_url":
            return f"`sqlite:///<project>/{DATABASE_FILE}`"
        case SecretStr():
            return f"`{value.get_secret_value()}`"
        case _:
            return f"`{value}`"


def _allowed(field: FieldInfo) -> str:
    parts: list[Any] = [*field.metadata, *_inner(field.annotation)]
    if words := next((part.text for part in parts if isinstance(part, Allowed)), None):
        return words
    if get_origin(field.annotation) is Literal:
        return " or ".join(f"`{choice}`" for choice in get_args(field.annotation))
    patterns = [found for part in parts if (found := getattr(part, "pattern", None))]
    if patterns:
        return f"`{patterns[0]}`"
    limits = {type(part): _limit(part) for part in parts if isinstance(part, Ge | Le | MinLen | MaxLen)}
    if Ge in limits and Le in limits:
        return f"{limits[Ge]} to {limits[Le]}"
    if MaxLen in limits:
        return f"{limits[MinLen]} to {limits[MaxLen]} characters"
    return _KINDS.get(field.annotation) or next(_KINDS[one] for one in get_args(field.annotation) if one in _KINDS)


def _limit(part: Ge | Le | MinLen | MaxLen) -> Any:
    match part:
        case Ge():
            return part.ge
        case Le():
            return part.le
        case MinLen():
            return part.min_length
        case MaxLen():
            return part.max_length


def _inner(annotation: Any) -> Iterator[Any]:
    """What is said of the kinds in `Kind | None`."""
    for part in get_args(annotation):
        yield from getattr(part, "__metadata__", ())


def main() -> None:
    """Write docs/settings.md below the current folder."""
    Path("docs/settings.md").write_text(document())


if __name__ == "__main__":
    main()
