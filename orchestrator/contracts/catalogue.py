"""The catalogue: which message types exist, and what their bodies look like."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from orchestrator.contracts.decoding import decode
from orchestrator.contracts.upcasting import is_plain, upcast
from orchestrator.errors import CatalogueError, SchemaMismatchError, UnknownMessageTypeError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.messages import Message

MAX_PROBLEMS = 5
"""How many problems of one body are told."""


class Catalogue:
    """Message types and their models. Immutable.

    Args:
        messages: classes of events, commands and replies; the same class may come more than once.

    Raises:
        CatalogueError: two different classes have the same type; names both.
    """

    def __init__(self, messages: Iterable[type[Message]]) -> None:
        models: dict[str, type[Message]] = {}
        for model in messages:
            known = models.setdefault(model.message_type, model)
            if known is not model:
                raise CatalogueError(message_type=model.message_type, first=_name(known), second=_name(model))
        self._models = MappingProxyType(models)

    @property
    def types(self) -> frozenset[str]:
        """All known message types."""
        return frozenset(self._models)

    def newest(self, message_type: str) -> int:
        """The version that payloads of a known type have."""
        return self._models[message_type].message_versions.newest

    def validate(self, message_type: str, body: bytes, version: int | None = None) -> Any:
        """The payload in `body`, brought up to date, checked against its type and written back as plain JSON values.

        Fields that the type does not know are left out; defaults are filled in; aliases stay as they travel.

        Args:
            message_type: its type.
            body: as it came.
            version: which version of its type it is of; None = the newest.

        Raises:
            UnknownMessageTypeError: no message has this type.
            UnknownVersionError: this version of it is not taken.
            MalformedMessageError: the body is no acceptable JSON.
            SchemaMismatchError: it is, but does not fit; tells field and problem, never the value.
        """
        model = self._models.get(message_type)
        if model is None:
            raise UnknownMessageTypeError(message_type)
        if version is not None and not is_plain(model, version):
            body = upcast(model, version, body)
        decode(body)
        try:
            # Validated from the text, not from the decoded value: only then are dates, decimals and tuples
            # read as JSON writes them, even by strict models.
            message = model.model_validate_json(body)
        except ValidationError as error:
            raise SchemaMismatchError(message_type=message_type, problems=problems(error)) from None
        return message.model_dump(mode="json", by_alias=True)


def _name(model: type[Message]) -> str:
    return f"{model.__module__}.{model.__qualname__}"


def problems(error: ValidationError) -> list[str]:
    """What is wrong with a body, a line for each field: never its values."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    lines = [f"{'.'.join(str(part) for part in problem['loc']) or 'body'}: {problem['msg']}" for problem in found]
    if len(lines) > MAX_PROBLEMS:
        lines[MAX_PROBLEMS:] = [f"and {len(found) - MAX_PROBLEMS} more"]
    return lines
